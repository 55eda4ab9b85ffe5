/** The errors that cross rooms. Each has a `code` that users can search for; the message says what to do about it. */
export class DeputyError extends Error {
  readonly code: string;
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** It does not exist, or it belongs to somebody else: callers must not be able to tell. */
export class NotFoundError extends DeputyError {
  constructor(what: string) {
    super('E_NOT_FOUND', what);
  }
}

/** The conversation has an open task: one at a time. */
export class BusyError extends DeputyError {
  constructor(message: string) {
    super('E_BUSY', message);
  }
}

/** Something that we need (an MCP server, our own engine) cannot be had now. */
export class UnavailableError extends DeputyError {
  constructor(message: string, options?: ErrorOptions) {
    super('E_UNAVAILABLE', message, options);
  }
}

/** What the caller gave cannot be used; the message names the place and the mend. */
export class UsageError extends DeputyError {
  constructor(message: string) {
    super('E_USAGE', message);
  }
}

/** A second call wanted to leave by an approval that is for one. */
export class ApprovalUsedError extends DeputyError {
  constructor(message = 'The approval was used by another call.') {
    super('E_APPROVAL_USED', message);
  }
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
