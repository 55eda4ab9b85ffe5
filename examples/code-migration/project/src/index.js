'use strict';

const invoice = require('./invoice');
const { render } = require('./render');
const { dueDate, fileFor } = require('./dates');

module.exports = { invoice, render, dueDate, fileFor };
