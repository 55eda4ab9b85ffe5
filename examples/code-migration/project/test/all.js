'use strict';

const assert = require('node:assert/strict');
const { invoice, render, dueDate, fileFor } = require('../src/index');

const made = invoice('c1', [
  { quantity: 2, price: 9.99 },
  { quantity: 1, price: 100 },
]);
assert.deepEqual(made, { name: 'Ada', net: 11998, tax: 2280, gross: 14278 });
assert.equal(render(made), 'Invoice for Ada\nnet 119.98\ntax 22.80\ngross 142.78');
assert.equal(dueDate(new Date('2026-11-23T00:00:00Z'), 14), '2026-12-07');
assert.equal(fileFor('invoices', '2026-12-07'), 'invoices/2026-12-07.txt');
