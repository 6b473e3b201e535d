//! Comparisons: what the last name of a path means, and the test of its values.

use crate::{
    Catalog, EntityId, EntityType,
    entity_type::Field,
    field::{Comparison, Datetime, Integer, Kind, Literal, LiteralTest, Text},
    query::{
        ast::{Compare, Filter, Operand, SystemField},
        error::FilterError,
        tree::{Condition, Name, Operator, Path, Value},
    },
};

use super::{
    At, EVERYTHING, NOTHING, Resolver, any, not,
    path::{Hop, check_length},
    unknown,
};

/// A condition in its positive form.
struct Asked<'e> {
    /// The comparison; `None` asks for any value at all.
    comparison: Option<Comparison>,
    values: Vec<&'e Value>,
    /// Whether the whole is turned round, path included.
    negated: bool,
    /// Where the comparison stands, for what is wrong with it rather than with a value.
    offset: usize,
}

impl<'e> Asked<'e> {
    fn of(condition: &'e Condition, name: &Name) -> Self {
        let (comparison, values, negated, offset) = match condition {
            Condition::Operator {
                operator,
                offset,
                value,
            } => (Some(of_operator(*operator)), vec![value], false, *offset),
            Condition::In(values) => {
                let values = values.iter().collect();
                (Some(Comparison::In), values, false, name.offset)
            }
            Condition::NotIn(values) => {
                let values = values.iter().collect();
                (Some(Comparison::In), values, true, name.offset)
            }
            Condition::Between(low, high) => {
                let comparison = Some(Comparison::Between);
                (comparison, vec![low, high], false, name.offset)
            }
            Condition::StartsWith(text) => {
                let comparison = Some(Comparison::StartsWith);
                (comparison, vec![text], false, name.offset)
            }
            Condition::IsNull => (None, Vec::new(), true, name.offset),
            Condition::IsNotNull => (None, Vec::new(), false, name.offset),
        };
        Self {
            comparison,
            values,
            negated,
            offset,
        }
    }

    fn literals(&self) -> Vec<Literal> {
        let literals = self.values.iter().map(|value| value.literal.clone());
        literals.collect()
    }

    /// The values as ids.
    fn ids(&self) -> Result<Vec<EntityId>, FilterError> {
        let ids = self.values.iter().map(|value| {
            let id = match &value.literal {
                Literal::Text(text) | Literal::Bare(text) => text.parse().ok(),
                Literal::Number(_) | Literal::Boolean(_) => None,
            };
            id.ok_or_else(|| FilterError::new(value.offset, "not an id"))
        });
        ids.collect()
    }

    /// The error for a comparison that ids do not have.
    fn not_for_ids(&self) -> FilterError {
        FilterError::new(self.offset, "ids compare by = != IN and IS NULL alone")
    }
}

fn of_operator(operator: Operator) -> Comparison {
    match operator {
        Operator::Equal => Comparison::Equal,
        Operator::NotEqual => Comparison::NotEqual,
        Operator::Less => Comparison::Less,
        Operator::AtMost => Comparison::AtMost,
        Operator::Greater => Comparison::Greater,
        Operator::AtLeast => Comparison::AtLeast,
        Operator::Contains => Comparison::Contains,
    }
}

/// What the last name of a path means.
enum Last<'a> {
    System(SystemField),
    Fields(Vec<(&'a EntityType, &'a Field)>),
    Links(Vec<Hop<'a>>),
}

impl<'a> Resolver<'a> {
    pub(super) fn compare(
        &mut self,
        at: At<'_, 'a>,
        path: &Path,
        condition: &Condition,
    ) -> Result<Filter, FilterError> {
        let Some((name, lead)) = path.0.split_last() else {
            return Err(FilterError::new(0, "expected a name"));
        };
        let asked = Asked::of(condition, name);
        let walk = self.walk(at, lead)?;
        let cost = 1 + asked.values.len();
        let filter = match self.last(&walk.end, name)? {
            Last::System(system) => {
                let filter = system_test(system, &asked)?;
                self.cross(&walk.levels, at.here, &mut |this, _| {
                    this.budget.nodes(cost, name.offset)?;
                    Ok(filter.clone())
                })?
            }
            Last::Fields(fields) => {
                let tests = field_tests(self.catalog, &fields, &asked)?;
                self.cross(&walk.levels, at.here, &mut |this, here| {
                    let live = fields.iter().zip(&tests).filter(|((holder, _), test)| {
                        **test != NOTHING && here.iter().any(|one| one.id == holder.id)
                    });
                    let mut ways = Vec::new();
                    for ((holder, _), test) in live {
                        this.budget.nodes(cost, name.offset)?;
                        ways.push(if here.len() == 1 {
                            test.clone()
                        } else {
                            Filter::And(vec![Filter::TypeIs(holder.id), test.clone()])
                        });
                    }
                    Ok(any(ways))
                })?
            }
            Last::Links(hops) => {
                check_length(at.links + path.0.len(), name)?;
                let tests = hops
                    .iter()
                    .map(|hop| link_test(hop, &asked))
                    .collect::<Result<Vec<_>, _>>()?;
                self.cross(&walk.levels, at.here, &mut |this, here| {
                    let mut ways = Vec::new();
                    for (_, test) in hops
                        .iter()
                        .zip(&tests)
                        .filter(|(hop, _)| hop.begins_at(here))
                    {
                        this.budget.nodes(cost, name.offset)?;
                        ways.push(test.clone());
                    }
                    Ok(any(ways))
                })?
            }
        };
        Ok(if asked.negated { not(filter) } else { filter })
    }

    fn last(&mut self, types: &[&'a EntityType], name: &Name) -> Result<Last<'a>, FilterError> {
        if let Some(system) = SystemField::named(&name.text) {
            return Ok(Last::System(system));
        }
        self.budget.lookups(types.len(), name.offset)?;
        let fields: Vec<_> = types
            .iter()
            .filter_map(|one| Some((*one, one.field_named(&name.text)?)))
            .collect();
        // Within one type a name is a field or a link, never both: the lookup of links is saved where it cannot matter.
        let hops = if types.len() == 1 && !fields.is_empty() {
            Vec::new()
        } else {
            self.hops(types, name)?
        };
        let text = &name.text;
        match (fields.split_first(), hops.is_empty()) {
            (None, true) => Err(FilterError::new(name.offset, unknown(text))),
            (None, false) => Ok(Last::Links(hops)),
            (Some(_), false) => {
                let message = format!("{text} is a field of one type here and a link of another");
                Err(FilterError::new(name.offset, message))
            }
            (Some(((_, first), rest)), true) => {
                let alike = rest.iter().all(|(_, other)| {
                    let kind = |field: &Field| std::mem::discriminant(&field.kind);
                    kind(first) == kind(other) && first.list == other.list
                });
                if alike {
                    Ok(Last::Fields(fields))
                } else {
                    let message =
                        format!("{text} is not of one kind in the types that have it here");
                    Err(FilterError::new(name.offset, message))
                }
            }
        }
    }
}

fn system_test(system: SystemField, asked: &Asked<'_>) -> Result<Filter, FilterError> {
    let Some(comparison) = asked.comparison else {
        // Every entity has it.
        return Ok(EVERYTHING);
    };
    let kind = match system {
        SystemField::Id => {
            return match comparison {
                Comparison::Equal | Comparison::In => asked.ids().map(Filter::Ids),
                Comparison::NotEqual => asked.ids().map(|ids| not(Filter::Ids(ids))),
                _ => Err(asked.not_for_ids()),
            };
        }
        SystemField::Version => Kind::Integer(Integer::default()),
        SystemField::CreatedAt | SystemField::UpdatedAt => Kind::Datetime(Datetime::default()),
        SystemField::CreatedBy | SystemField::UpdatedBy => Kind::Text(Text::default()),
    };
    test(&kind, comparison, asked, Operand::System(system))
}

/// The test of each type's field.
fn field_tests(
    catalog: &Catalog,
    fields: &[(&EntityType, &Field)],
    asked: &Asked<'_>,
) -> Result<Vec<Filter>, FilterError> {
    let tests = fields.iter().map(|(holder, field)| {
        let operand = Operand::Field {
            type_id: holder.id,
            field: field.number,
            list: field.list,
            indexed: catalog.index_ready(holder.id, field),
        };
        match asked.comparison {
            None => Ok(Filter::Present(operand)),
            Some(comparison) => test(&field.kind, comparison, asked, operand),
        }
    });
    tests.collect()
}

fn test(
    kind: &Kind,
    comparison: Comparison,
    asked: &Asked<'_>,
    operand: Operand,
) -> Result<Filter, FilterError> {
    match kind.test(comparison, &asked.literals()) {
        Ok(LiteralTest::Test(test)) => Ok(Filter::Compare(Compare { operand, test })),
        Ok(LiteralTest::Never) => Ok(NOTHING),
        Ok(LiteralTest::WheneverPresent) => Ok(match operand {
            Operand::System(_) => EVERYTHING,
            Operand::Field { .. } => Filter::Present(operand),
        }),
        Err(error) => {
            // The value at fault is the one that the kind cannot even be equal to; without one it is the operator.
            let at_fault = asked.values.iter().find(|value| {
                let alone = std::slice::from_ref(&value.literal);
                kind.allows(comparison) && kind.test(Comparison::Equal, alone).is_err()
            });
            let offset = at_fault.map_or(asked.offset, |value| value.offset);
            Err(FilterError::new(offset, error.to_string()))
        }
    }
}

/// A link alone compares ids.
fn link_test(hop: &Hop<'_>, asked: &Asked<'_>) -> Result<Filter, FilterError> {
    let step = hop.step.clone();
    let ids = match asked.comparison {
        None => None,
        Some(Comparison::Equal | Comparison::In) => Some(asked.ids()?),
        Some(Comparison::NotEqual) => {
            return match asked.ids()?.as_slice() {
                [id] => Ok(Filter::LinkedElsewhere { step, id: *id }),
                _ => Err(asked.not_for_ids()),
            };
        }
        Some(_) => return Err(asked.not_for_ids()),
    };
    Ok(Filter::Linked { step, ids })
}
