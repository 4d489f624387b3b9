//! One request in Cedar's terms: only the entities that it needs, so that a decision takes microseconds however many
//! accounts the groups hold.

use std::collections::{BTreeMap, HashMap, HashSet};

use cedar_policy::{Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, Request, RestrictedExpression as Value, Schema};

use crate::{
    model::{facts::Facts, service::Service},
    policy::{facts::FACTS, groups::Groups, judgement::MissingFact, names::GroupName},
};

/// A request and its entities, or Cedar's reason to refuse them.
type Built = Result<(Request, Entities), String>;

pub(super) fn build(action: &str, facts: &Facts, groups: &Groups, schema: &Schema) -> Result<Built, MissingFact> {
    let account = facts.connection.owner.as_ref().ok_or(MissingFact::Owner)?;
    facts.connection.created.ok_or(MissingFact::CreationTime)?;
    Ok(put_together(action, facts, account.as_str(), groups.of(account), schema))
}

fn put_together(action: &str, facts: &Facts, account: &str, groups: &[GroupName], schema: &Schema) -> Built {
    let principal = uid("PrivateLink::Account", account)?;
    let resource = uid("PrivateLink::EndpointService", facts.service.id.as_str())?;
    let action = uid("PrivateLink::Action", action)?;
    let service = service(resource.clone(), &facts.service, attributes("resource", facts))?;
    let entities = Entities::from_entities([requester(principal.clone(), facts, groups)?, service], Some(schema));
    let context = Context::from_pairs(record(below("context", facts))?).map_err(|error| error.to_string())?;
    let request = Request::new(principal, action, resource, context, Some(schema)).map_err(|error| error.to_string())?;
    Ok((request, entities.map_err(|error| error.to_string())?))
}

pub(super) fn uid(kind: &str, id: &str) -> Result<EntityUid, String> {
    let kind: EntityTypeName = kind.parse().map_err(|error| format!("{error}"))?;
    Ok(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
}

/// The account, in its groups and units.
fn requester(uid_of: EntityUid, facts: &Facts, groups: &[GroupName]) -> Result<Entity, String> {
    let units = facts.membership.units().iter().map(|unit| uid("PrivateLink::OrganizationalUnit", unit));
    let groups = groups.iter().map(|name| uid("PrivateLink::AccountGroup", name.as_str()));
    let parents = groups.chain(units).collect::<Result<HashSet<_>, _>>()?;
    Entity::new(uid_of, attributes("principal", facts), parents).map_err(|error| error.to_string())
}

/// The endpoint service with its tags.
pub(super) fn service(uid: EntityUid, service: &Service, attributes: HashMap<String, Value>) -> Result<Entity, String> {
    let tags = service.tags.iter().map(|(key, value)| (key.clone(), Value::new_string(value.clone())));
    Entity::new_with_tags(uid, attributes, HashSet::new(), tags).map_err(|error| error.to_string())
}

/// The attributes of an entity.
pub(super) fn attributes(variable: &str, facts: &Facts) -> HashMap<String, Value> {
    below(variable, facts).into_iter().filter_map(|(path, value)| Some(((*path.first()?).to_owned(), value))).collect()
}

/// The known values of a variable, by their paths below it.
fn below(variable: &str, facts: &Facts) -> Vec<(&'static [&'static str], Value)> {
    let rows = FACTS.iter().filter(|fact| fact.path.first() == Some(&variable));
    rows.filter_map(|fact| Some((fact.path.get(1..)?, (fact.read)(facts)?))).collect()
}

/// Nests values by their paths. Paths of one record stand one after the other in the table.
fn record(values: Vec<(&[&str], Value)>) -> Result<Vec<(String, Value)>, String> {
    let mut records: BTreeMap<String, Vec<(String, Value)>> = BTreeMap::new();
    let mut pairs = Vec::new();
    for (path, value) in values {
        match path {
            [name] => pairs.push(((*name).to_owned(), value)),
            [name, attribute] => records.entry((*name).to_owned()).or_default().push(((*attribute).to_owned(), value)),
            _ => return Err(format!("the table of facts nests deeper than this version builds: {}", path.join("."))),
        }
    }
    for (name, attributes) in records {
        pairs.push((name, Value::new_record(attributes).map_err(|error| error.to_string())?));
    }
    Ok(pairs)
}
