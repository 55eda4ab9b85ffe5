/** Where questions are announced: whoever reads it may then look at the task and answer. */
export interface WebhookOptions {
  url: string;
  /** What announcements are signed with: `whsec_` and base64, or any text. */
  secret: string;
}
