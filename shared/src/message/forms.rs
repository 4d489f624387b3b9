//! The forms of a message.

use serde_json::json;

/// Bytes of a body. SNS takes 262,144, and the attributes count too.
const BODY_BYTES_MAX: usize = 250_000;

/// A message in all its forms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Under 100 characters of printable ASCII, as SNS requires.
    pub subject: String,
    /// The text for people.
    pub text: String,
    /// The JSON form for programs: SQS, Lambda, HTTP.
    pub json: String,
    /// The form for Amazon Q Developer in chat applications, which drops every other schema.
    pub chat: String,
    /// The message attributes, for filter policies.
    pub attributes: Vec<(&'static str, String)>,
}

impl Message {
    /// Returns the body for `MessageStructure=json`, which has a form for each protocol.
    #[must_use]
    pub fn body(&self) -> String {
        json!({
            "default": self.text, "email": self.text, "email-json": self.json, "sms": self.subject,
            "sqs": self.json, "lambda": self.json, "http": self.json, "firehose": self.json, "https": self.chat,
        })
        .to_string()
    }

    /// Returns true if SNS takes the body.
    pub(super) fn fits(&self) -> bool {
        self.body().len() <= BODY_BYTES_MAX
    }
}
