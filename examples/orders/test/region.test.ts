import assert from 'node:assert/strict';
import { test } from 'node:test';
import { departmentOf, regionOf } from '@aep/example-orders';

test('a country has a region, an unknown one has OTHER', () => {
  assert.equal(regionOf('United Kingdom'), 'EMEA');
  assert.equal(regionOf('EIRE'), 'EMEA');
  assert.equal(regionOf('Channel Islands'), 'EMEA');
  assert.equal(regionOf('usa'), 'AMER');
  assert.equal(regionOf('Hong Kong'), 'APAC');
  assert.equal(regionOf('Unspecified'), 'OTHER');
  assert.equal(regionOf('constructor'), 'OTHER');
});

test('the department comes from the article number', () => {
  assert.equal(departmentOf('85123A'), 'D85');
  assert.equal(departmentOf('10002'), 'D10');
  assert.equal(departmentOf('POST'), 'SERVICES');
  assert.equal(departmentOf('C2'), 'SERVICES');
  assert.equal(departmentOf('1'), 'SERVICES');
});
