//! An action's answer, and the XML that EC2 spells it in. Element names are those that the SDKs read.

use quick_xml::escape::escape;

use crate::world::{Changes, Ec2Result, Effect, Page, Tags, Unsuccessful};

pub(super) type ActionResult = Ec2Result<Answer>;

/// The elements of a response, and the messages that AWS sends because of the call.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) elements: String,
    pub(super) effects: Vec<Effect>,
}

pub(super) fn elements(elements: String) -> ActionResult {
    Ok(Answer { elements, effects: Vec::new() })
}

/// `<return>true</return>`.
pub(super) fn done() -> ActionResult {
    elements(text("return", "true"))
}

pub(super) fn page<T>(name: &str, page: &Page<T>, shape: impl Fn(&T) -> String) -> ActionResult {
    elements(set(name, &page.items, shape) + &optional("nextToken", page.next_token.as_deref()))
}

pub(super) fn unsuccessful((items, effects): Changes) -> ActionResult {
    let shape = |item: &Unsuccessful| {
        element("error", &(text("code", &item.code) + &text("message", &item.message))) + &text("resourceId", &item.resource_id)
    };
    Ok(Answer { elements: set("unsuccessful", &items, shape), effects })
}

pub(super) fn element(name: &str, inner: &str) -> String {
    format!("<{name}>{inner}</{name}>")
}

pub(super) fn text(name: &str, value: &str) -> String {
    element(name, &escape(value))
}

pub(super) fn flag(name: &str, value: bool) -> String {
    element(name, if value { "true" } else { "false" })
}

pub(super) fn optional(name: &str, value: Option<&str>) -> String {
    value.map(|value| text(name, value)).unwrap_or_default()
}

/// `<name><item>…</item>…</name>`.
pub(super) fn set<T>(name: &str, items: &[T], shape: impl Fn(&T) -> String) -> String {
    element(name, &items.iter().map(|item| element("item", &shape(item))).collect::<String>())
}

pub(super) fn texts<T: AsRef<str>>(name: &str, items: &[T]) -> String {
    set(name, items, |item| escape(item.as_ref()).into_owned())
}

pub(super) fn tags(tags: &Tags) -> String {
    let pairs: Vec<_> = tags.iter().collect();
    set("tagSet", &pairs, |(key, value)| text("key", key) + &text("value", value))
}

pub(super) fn timestamp(name: &str, at: jiff::Timestamp) -> String {
    text(name, &at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string())
}

pub(super) fn load_balancers(is_gateway: bool, arns: &[String]) -> String {
    texts(if is_gateway { "gatewayLoadBalancerArnSet" } else { "networkLoadBalancerArnSet" }, arns)
}
