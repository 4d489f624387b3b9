//! Raw events as fixtures: without account ids, session names and addresses.

use serde_json::Value;

/// The ids that AWS uses in its examples take the place of the accounts'.
const PROVIDER: &str = "123456789012";
const CONSUMER: &str = "111122223333";
const OTHER: &str = "999999999999";

/// The fields whose values identify a person or a session, or sign the message.
const REMOVED: [&str; 7] = ["accessKeyId", "principalId", "Signature", "sourceIPAddress", "userAgent", "userName", "credentialId"];

/// The accounts of a run.
#[derive(Debug, Clone)]
pub(super) struct Accounts {
    pub(super) provider: String,
    pub(super) consumer: String,
}

impl Accounts {
    /// Returns a message in JSON with each account id replaced, readable.
    pub(super) fn anonymous(&self, body: &str) -> String {
        let Ok(mut event) = serde_json::from_str::<Value>(body) else { return self.text(body) };
        self.value(&mut event);
        serde_json::to_string_pretty(&event).unwrap_or_default() + "\n"
    }

    fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(all) => all.iter_mut().for_each(|one| self.value(one)),
            Value::Object(fields) => {
                for (name, field) in fields {
                    match field {
                        Value::String(text) if REMOVED.contains(&name.as_str()) => "removed".clone_into(text),
                        field => self.value(field),
                    }
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Replaces account ids, and the names of sessions, which may name a person.
    fn text(&self, text: &str) -> String {
        // A document within the document, such as the message in the envelope of SNS.
        if text.starts_with('{')
            && let Ok(mut inner) = serde_json::from_str::<Value>(text)
        {
            self.value(&mut inner);
            return inner.to_string();
        }
        let mut result = String::with_capacity(text.len());
        let mut word = String::new();
        for letter in text.chars().chain(['\0']) {
            if letter.is_ascii_alphanumeric() {
                word.push(letter);
                continue;
            }
            result.push_str(self.word(&word));
            word.clear();
            result.extend(Some(letter).filter(|letter| *letter != '\0'));
        }
        match result.split_once(":assumed-role/").and_then(|(start, rest)| Some((start, rest.split_once('/')?.0))) {
            Some((start, role)) => format!("{start}:assumed-role/{role}/session"),
            None => result,
        }
    }

    fn word<'a>(&'a self, word: &'a str) -> &'a str {
        match word {
            word if word == self.provider => PROVIDER,
            word if word == self.consumer => CONSUMER,
            word if word.len() == PROVIDER.len() && word.bytes().all(|byte| byte.is_ascii_digit()) => OTHER,
            word => word,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn accounts_and_sessions_are_replaced() {
        let accounts = Accounts { provider: "210987654321".to_owned(), consumer: "345678901234".to_owned() };
        let event = json!({
            "TopicArn": "arn:aws:sns:us-east-1:210987654321:warden-connections",
            "Message": json!({"owner": "345678901234", "id": "vpce-02109876543210987"}).to_string(),
            "detail": {
                "userIdentity": {"arn": "arn:aws:sts::345678901234:assumed-role/Builder/jane@example.com", "accessKeyId": "ASIAEXAMPLE"},
                "others": ["565656565656", "5656565656567"],
                "count": 2,
            },
        });
        let anonymous: Value = serde_json::from_str(&accounts.anonymous(&event.to_string())).unwrap();
        assert_eq!(anonymous["TopicArn"], "arn:aws:sns:us-east-1:123456789012:warden-connections");
        assert_eq!(anonymous["Message"], json!({"owner": "111122223333", "id": "vpce-02109876543210987"}).to_string());
        let identity = &anonymous["detail"]["userIdentity"];
        assert_eq!(
            (&identity["arn"], &identity["accessKeyId"]),
            (&json!("arn:aws:sts::111122223333:assumed-role/Builder/session"), &json!("removed"))
        );
        assert_eq!(anonymous["detail"]["others"], json!(["999999999999", "5656565656567"]));
        assert_eq!(accounts.anonymous("endpoint of 345678901234"), "endpoint of 111122223333");
    }
}
