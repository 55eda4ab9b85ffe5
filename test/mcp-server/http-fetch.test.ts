import { classifyInboundRequest, PROTOCOL_VERSION_META_KEY } from '@modelcontextprotocol/server';
import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { isLegacy } from '../../src/mcp-server/http-fetch.ts';

const claim = { _meta: { [PROTOCOL_VERSION_META_KEY]: '2026-07-28' } };
const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: claim };
const { id: _id, ...notification } = { ...call, method: 'notifications/cancelled' };
const unclaimed = { ...call, params: { name: 'x' } };

test.each([
  ['a call with its envelope', call],
  ['an ill-formed envelope', { ...call, params: { _meta: { [PROTOCOL_VERSION_META_KEY]: 7 } } }],
  ['an old version in the envelope', { ...call, params: { _meta: { [PROTOCOL_VERSION_META_KEY]: '2025-11-25' } } }],
  ['an id that is none', { ...call, id: {} }],
  ['another JSON-RPC', { ...call, jsonrpc: '1.0' }],
  ['a notification with its envelope', notification],
  ['initialize with an envelope', { ...call, method: 'initialize' }],
  ['initialize', { ...unclaimed, method: 'initialize' }],
  ['a call without an envelope', unclaimed],
  ['a call without params', { jsonrpc: '2.0', id: 1, method: 'ping' }],
  ['a notification without an envelope', { jsonrpc: '2.0', method: 'notifications/initialized' }],
  ['a result', { jsonrpc: '2.0', id: 1, result: claim }],
  ['a result with a method', { ...call, result: {} }],
  ['an error with a method', { ...call, error: { code: 1, message: 'x' } }],
  ['a batch', [call]],
  ['a text', 'tools/call'],
  ['nothing', null],
])('%s is of the era that the SDK tells', (_what, body) => {
  const request = new IncomingMessage(new Socket());
  const { kind } = classifyInboundRequest({ httpMethod: 'POST', body });
  expect(isLegacy(request, body)).toBe(kind === 'legacy');
});
