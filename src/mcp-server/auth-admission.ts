/** What becomes of a request at the gate. */
export type Admission =
  | { kind: 'admitted'; owner: string }
  /** `error` is a code of RFC 6750, section 3.1; none where no token was sent. */
  | { kind: 'refused'; status: 401; error?: 'invalid_token'; message: string }
  | { kind: 'refused'; status: 403; error: 'insufficient_scope'; message: string }
  /** The keys of the issuer cannot be had: not the caller's fault. */
  | { kind: 'unknowable'; message: string };
