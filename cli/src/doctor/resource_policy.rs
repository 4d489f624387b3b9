//! What the policy of a topic, a queue or a bus allows. Conditions are not evaluated.

use serde_json::Value;

/// Returns true if a statement allows an AWS service an action.
pub(super) fn allows_service(policy: &str, service: &str, action: &str) -> bool {
    let action = action.to_lowercase();
    let all_of_the_api = action.split_once(':').map(|(api, _)| format!("{api}:*"));
    let is_it = |name: &str| {
        let name = name.to_lowercase();
        name == "*" || name == action || Some(&name) == all_of_the_api.as_ref()
    };
    statements(policy).iter().any(|statement| {
        has_effect(statement, "Allow")
            && has(statement.pointer("/Principal/Service"), &|name| name == service)
            && has(statement.get("Action"), &is_it)
    })
}

/// Returns true if a statement denies each principal something.
pub(super) fn denies_all(policy: &str) -> bool {
    statements(policy).iter().any(|statement| has_effect(statement, "Deny") && is_anyone(statement))
}

/// Returns true if a statement allows each principal something without a condition.
pub(super) fn is_open(policy: &str) -> bool {
    let unconditional =
        |statement: &Value| statement.get("Condition").is_none_or(|condition| condition.as_object().is_some_and(serde_json::Map::is_empty));
    statements(policy).iter().any(|statement| has_effect(statement, "Allow") && is_anyone(statement) && unconditional(statement))
}

/// Returns true if a statement that allows something has this text among the values of its conditions.
pub(super) fn allows_if(policy: &str, value: &str) -> bool {
    let quoted = Value::from(value).to_string();
    let names = |statement: &Value| statement.get("Condition").is_some_and(|condition| condition.to_string().contains(&quoted));
    statements(policy).iter().any(|statement| has_effect(statement, "Allow") && names(statement))
}

fn statements(policy: &str) -> Vec<Value> {
    let policy: Value = serde_json::from_str(policy).unwrap_or_default();
    match policy.get("Statement") {
        Some(Value::Array(all)) => all.clone(),
        Some(one) => vec![one.clone()],
        None => Vec::new(),
    }
}

fn has_effect(statement: &Value, effect: &str) -> bool {
    statement.get("Effect").and_then(Value::as_str) == Some(effect)
}

fn is_anyone(statement: &Value) -> bool {
    let all = |value: Option<&Value>| has(value, &|name| name == "*");
    all(statement.get("Principal")) || all(statement.pointer("/Principal/AWS"))
}

fn has(value: Option<&Value>, wanted: &dyn Fn(&str) -> bool) -> bool {
    match value {
        Some(Value::String(text)) => wanted(text),
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).any(wanted),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(principal: &str, action: &str, effect: &str) -> String {
        format!(r#"{{"Statement":[{{"Effect":"{effect}","Principal":{principal},"Action":{action},"Resource":"*"}}]}}"#)
    }

    #[test]
    fn only_statements_for_the_service_allow_it() {
        let vpce = r#"{"Service":"vpce.amazonaws.com"}"#;
        let allows = |policy: &str| allows_service(policy, "vpce.amazonaws.com", "sns:Publish");
        assert!(allows(&policy(vpce, r#""sns:Publish""#, "Allow")));
        let several = r#"{"Service":["events.amazonaws.com","vpce.amazonaws.com"]}"#;
        assert!(allows(&policy(several, r#"["SNS:Publish"]"#, "Allow")));
        assert!(allows(&policy(vpce, r#""sns:*""#, "Allow")));
        for other in [
            policy(vpce, r#""sns:Publish""#, "Deny"),
            policy(vpce, r#""sns:Subscribe""#, "Allow"),
            policy(vpce, r#""sqs:*""#, "Allow"),
            policy(r#"{"Service":"events.amazonaws.com"}"#, r#""sns:Publish""#, "Allow"),
            policy(r#"{"AWS":"vpce.amazonaws.com"}"#, r#""sns:Publish""#, "Allow"),
            String::new(),
        ] {
            assert!(!allows(&other), "{other}");
        }
    }

    #[test]
    fn open_policy_has_no_condition() {
        assert!(is_open(&policy(r#""*""#, r#""events:PutEvents""#, "Allow")));
        assert!(is_open(&policy(r#"{"AWS":"*"}"#, r#""events:PutEvents""#, "Allow")));
        assert!(denies_all(&policy(r#""*""#, r#""sqs:SendMessage""#, "Deny")));
        let bound =
            r#"{"Statement":{"Effect":"Allow","Principal":"*","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-exampleorgid"}}}}"#;
        assert!(!is_open(bound) && allows_if(bound, "o-exampleorgid") && !allows_if(bound, "o-example"));
        assert!(!is_open("") && !denies_all(""));
    }
}
