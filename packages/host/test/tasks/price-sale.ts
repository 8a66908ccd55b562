// The task of the executor bus in the host's tests; a worker thread loads this module.
import { messageTask } from '@aep/bus';
import { Sale, Total } from '../gen/shop.js';

/** Prices a sale at ten a piece; "nothing" cannot be priced. */
export const priceSale = messageTask(Sale, (sale) => {
  if (sale.item === 'nothing') throw new Error('no price for nothing');
  const total = Total.create();
  total.item = sale.item;
  total.total = sale.amount * 10;
  return total;
});
