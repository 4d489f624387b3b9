//! Cedar's schema, derived from the table of facts.

use serde_json::{Map, Value, json};

use crate::policy::facts::{FACTS, Fact};

/// A record of the schema: attributes by name, in the order of the table.
#[derive(Default)]
struct Record(Vec<(&'static str, Attribute)>);

enum Attribute {
    Leaf(&'static Fact),
    Record { optional: bool, record: Record },
}

impl Record {
    /// Returns the attributes of a variable: `principal`, `resource` or `context`.
    fn of(variable: &str) -> Self {
        let mut record = Self::default();
        for fact in FACTS.iter().filter(|fact| fact.path.first() == Some(&variable)) {
            record.add(fact, fact.path.get(1..).unwrap_or_default());
        }
        record
    }

    fn add(&mut self, fact: &'static Fact, path: &[&'static str]) {
        match path {
            [] => {}
            [name] => self.0.push((name, Attribute::Leaf(fact))),
            [name, rest @ ..] => {
                if !self.0.iter().any(|(known, _)| known == name) {
                    self.0.push((name, Attribute::Record { optional: fact.record_is_optional, record: Self::default() }));
                }
                if let Some((_, Attribute::Record { record, .. })) = self.0.iter_mut().find(|(known, _)| known == name) {
                    record.add(fact, rest);
                }
            }
        }
    }

    fn json(&self) -> Value {
        let attributes: Map<String, Value> = self.0.iter().map(|(name, attribute)| ((*name).to_owned(), attribute.json())).collect();
        json!({"type": "Record", "attributes": attributes})
    }

    fn text(&self, indent: usize) -> String {
        let pad = " ".repeat(indent);
        let line = |(name, attribute): &(&str, Attribute)| {
            let mark = if attribute.is_optional() { "?" } else { "" };
            match attribute {
                Attribute::Leaf(fact) => format!("{pad}// {}\n{pad}{name}{mark}: {},\n", fact.doc, fact.cedar_type),
                Attribute::Record { record, .. } => format!("{pad}{name}{mark}: {{\n{}{pad}}},\n", record.text(indent + 2)),
            }
        };
        self.0.iter().map(line).collect()
    }
}

impl Attribute {
    fn is_optional(&self) -> bool {
        match self {
            Self::Leaf(fact) => fact.unknown.is_some() && !fact.record_is_optional,
            Self::Record { optional, .. } => *optional,
        }
    }

    fn json(&self) -> Value {
        let mut json = match self {
            Self::Leaf(fact) => json!({"type": "EntityOrCommon", "name": fact.cedar_type}),
            Self::Record { record, .. } => record.json(),
        };
        if let (true, Some(object)) = (self.is_optional(), json.as_object_mut()) {
            object.insert("required".to_owned(), Value::Bool(false));
        }
        json
    }
}

/// Returns the schema in Cedar's JSON form. Each start parses it: several times faster than the text form.
#[must_use]
pub fn schema_json() -> Value {
    let request = json!({"resourceTypes": ["EndpointService"], "principalTypes": ["Account"], "context": Record::of("context").json()});
    json!({
        "PrivateLink": {
            "entityTypes": {
                "Account": {"memberOfTypes": ["OrganizationalUnit", "AccountGroup"], "shape": Record::of("principal").json()},
                "AccountGroup": {"memberOfTypes": ["AccountGroup"]},
                "EndpointService": {
                    "shape": Record::of("resource").json(),
                    "tags": {"type": "EntityOrCommon", "name": "String"},
                },
                "OrganizationalUnit": {"memberOfTypes": ["OrganizationalUnit"]},
            },
            "actions": {"Accept": {"appliesTo": request}, "Reject": {"appliesTo": request}},
        },
    })
}

/// Returns the schema in Cedar's text form, for people and editors.
#[must_use]
pub fn schema_text() -> String {
    format!(
        "// The facts that a policy can read. `warden policy check` validates policies against this schema.
namespace PrivateLink {{
  // A root or a unit of the organization, by its id (`r-…`, `ou-…`). Units nest.
  entity OrganizationalUnit in [OrganizationalUnit];

  // A named list of accounts in groups.json.
  entity AccountGroup in [AccountGroup];

  // The account that requests the connection. AWS names no finer requester.
  // Its attributes are known only for accounts of your organization, and only with access to Organizations.
  entity Account in [OrganizationalUnit, AccountGroup] = {{
{}  }};

  // The endpoint service. The tags are the provider's own: resource.hasTag(\"Name\") && resource.getTag(\"Name\") == \"redis\".
  entity EndpointService = {{
{}  }} tags String;

  action Accept, Reject appliesTo {{
    principal: Account,
    resource: EndpointService,
    context: {{
{}    }},
  }};
}}
",
        Record::of("principal").text(4),
        Record::of("resource").text(4),
        Record::of("context").text(6),
    )
}
