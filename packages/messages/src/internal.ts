export { isCheckedMode, setCheckedMode } from './checked-mode.js';
export { disposeOwned, giveAway, takeBack } from './ownership.js';
