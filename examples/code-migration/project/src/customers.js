'use strict';

const customers = new Map([
  ['c1', { name: 'Ada', country: 'de' }],
  ['c2', { name: 'Blaise', country: 'fr' }],
]);

module.exports = customers;
