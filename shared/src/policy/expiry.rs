//! Policies whose time limit has passed.
//!
//! The check recognizes only the plain form: a `when` that compares `context.now` with a date. `warden policy check --prove` finds the
//! other forms.

use jiff::{
    Timestamp,
    civil::{Date, Time},
    tz::TimeZone,
};
use serde_json::Value;

use crate::policy::{
    files::{PolicyFile, Problem},
    residual::conjuncts,
};

/// Returns one problem for each expired policy, at its time limit.
#[must_use]
pub fn expired(files: &[PolicyFile], now: Timestamp) -> Vec<Problem> {
    let mut expired: Vec<Problem> = files.iter().flat_map(|file| of_file(file, now)).collect();
    expired.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
    expired
}

fn of_file(file: &PolicyFile, now: Timestamp) -> Vec<Problem> {
    // Other files have no policies.
    let set: cedar_policy::PolicySet = file.text.parse().unwrap_or_default();
    set.policies().filter_map(|policy| of_policy(file, policy, now)).collect()
}

fn of_policy(file: &PolicyFile, policy: &cedar_policy::Policy, now: Timestamp) -> Option<Problem> {
    let json = policy.to_json().ok()?;
    let conditions = json.get("conditions").and_then(Value::as_array)?;
    let whens = conditions.iter().filter(|condition| condition.get("kind").and_then(Value::as_str) == Some("when"));
    let parts = whens.filter_map(|condition| condition.get("body")).flat_map(conjuncts);
    let date = parts.filter_map(limit).find(|date| moment(date).is_some_and(|end| end < now))?;
    let id = policy.annotation("id").unwrap_or_default();
    let message = format!("`{id}` expired on {date}: delete the policy, or set a later date");
    Some(file.problem_within(&policy.to_cedar()?, &format!("\"{date}\""), message))
}

/// Returns the date before which `context.now` must be for the condition to hold.
fn limit(condition: &Value) -> Option<&str> {
    let sides = |operator: &str, early: &str, late: &str| {
        let both = condition.get(operator)?;
        Some((both.get(early)?, both.get(late)?))
    };
    let compared = [("<", "left", "right"), ("<=", "left", "right"), (">", "right", "left"), (">=", "right", "left")];
    let (early, late) = compared.iter().find_map(|(operator, early, late)| sides(operator, early, late))?;
    let is_now = early.pointer("/./attr")? == "now" && early.pointer("/./left/Var")? == "context";
    is_now.then_some(late.pointer("/datetime/0/Value")?.as_str()?)
}

/// Parses a date of Cedar: a day, or a time with its offset.
fn moment(text: &str) -> Option<Timestamp> {
    let day = |date: Date| TimeZone::UTC.to_timestamp(date.to_datetime(Time::midnight())).ok();
    text.parse().ok().or_else(|| text.parse().ok().and_then(day))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expired_at(now: &str, condition: &str) -> Vec<(usize, String)> {
        let scope = "permit (principal, action, resource)";
        let text = format!("@id(\"open\") {scope};\n@id(\"limited\")\n{scope} when {{\n  {condition}\n}};\n");
        let problems = expired(&[PolicyFile { name: "p.cedar".into(), text }], now.parse().unwrap());
        problems.into_iter().map(|problem| (problem.line, problem.message)).collect()
    }

    #[test]
    fn expired_policy_is_named_on_its_line() {
        for condition in [
            r#"context.now < datetime("2026-06-01")"#,
            r#"context.now <= datetime("2026-06-01T00:00:00Z") && resource.kind == "Interface""#,
            r#"datetime("2026-06-01T02:00:00+0200") > context.now"#,
            r#"resource.kind == "Interface" && datetime("2026-06-01T00:00:00.000Z") >= context.now"#,
        ] {
            let found = expired_at("2026-06-01T00:00:01Z", condition);
            assert!(matches!(found.as_slice(), [(4, message)] if message.contains("expired on 2026-06-01")), "{condition}: {found:?}");
            assert_eq!(expired_at("2026-05-31T23:59:59Z", condition), [], "{condition}");
        }
    }

    #[test]
    fn other_conditions_are_not_limits() {
        for condition in [
            r#"context.now > datetime("2020-01-01")"#,
            r#"context.requestedAt < datetime("2020-01-01")"#,
            r#"context.now < datetime("2020-01-01") || resource.kind == "Interface""#,
            r#"!(context.now < datetime("2020-01-01"))"#,
        ] {
            assert_eq!(expired_at("2026-06-01T00:00:00Z", condition), [], "{condition}");
        }
    }
}
