//! Comparisons of one operand: a field, looked up in its index or not, or a part of the entity's envelope.

use registry_core::{
    Encoded, Timestamp, TypeId,
    query::{Compare, Operand, SystemField, Test},
};

use crate::{Argument, Sql};

use super::{Context, Indexed};

/// Appends the condition that an operand has a value.
pub(super) fn render_present(sql: &mut Sql, operand: &Operand, context: Context<'_>) {
    match operand {
        Operand::System(_) => {
            sql.push("TRUE");
        }
        Operand::Field {
            type_id,
            field,
            list,
            ..
        } => {
            let dialect = sql.dialect;
            open_guard(sql, *type_id, context);
            if *list {
                sql.push(&format!(
                    "EXISTS (SELECT 1 FROM {})",
                    dialect.elements(context.alias, field.0)
                ));
            } else {
                sql.push(&format!(
                    "{} IS NOT NULL",
                    dialect.field_text(context.alias, field.0)
                ));
            }
            sql.push(")");
        }
    }
}

/// Opens `(`, with a check of the entity's type where it is not certain.
fn open_guard(sql: &mut Sql, type_id: TypeId, context: Context<'_>) {
    sql.push("(");
    if context.type_id != Some(type_id) {
        sql.push(context.alias)
            .push(".type = ")
            .bind(Argument::Id(type_id.0))
            .push(" AND ");
    }
}

/// Appends the condition that some value of an operand passes a test.
pub(super) fn render_compare(sql: &mut Sql, compare: &Compare, context: Context<'_>) {
    let dialect = sql.dialect;
    match &compare.operand {
        Operand::System(system) => render_system(sql, *system, &compare.test, context),
        Operand::Field {
            type_id,
            field,
            indexed: true,
            ..
        } if context.indexed == Indexed::Sets && ranged(&compare.test) => {
            open_guard(sql, *type_id, context);
            sql.push(&format!(
                "{}.id IN (SELECT v.entity FROM field_value AS v WHERE v.type = ",
                context.alias
            ));
            sql.bind(Argument::Id(type_id.0))
                .push(" AND v.field = ")
                .bind(Argument::Int(i64::from(field.0)))
                .push(" AND ");
            render_value_test(sql, &compare.test);
            sql.push("))");
        }
        Operand::Field {
            type_id,
            field,
            list: true,
            ..
        } => {
            open_guard(sql, *type_id, context);
            sql.push(&format!(
                "EXISTS (SELECT 1 FROM {} WHERE ",
                dialect.elements(context.alias, field.0)
            ));
            render_test(sql, dialect.element(), &compare.test, &|value| {
                Argument::Text(value.0.clone())
            });
            sql.push("))");
        }
        Operand::Field {
            type_id,
            field,
            list: false,
            ..
        } => {
            open_guard(sql, *type_id, context);
            let text = dialect.field_text(context.alias, field.0);
            sql.push("COALESCE(");
            render_test(sql, &text, &compare.test, &|value| {
                Argument::Text(value.0.clone())
            });
            sql.push(", FALSE))");
        }
    }
}

/// Appends a test of a row of `field_value` named `v`.
pub(crate) fn render_value_test(sql: &mut Sql, test: &Test) {
    render_test(sql, "v.value", test, &|value| {
        Argument::Text(value.0.clone())
    });
}

/// Whether a test is a stretch of the index.
pub(crate) fn ranged(test: &Test) -> bool {
    !matches!(test, Test::NotEqual(_) | Test::Contains(_))
}

fn render_system(sql: &mut Sql, system: SystemField, test: &Test, context: Context<'_>) {
    let alias = context.alias;
    let words = |value: &Encoded| Argument::Text(value.0.clone());
    let integer = |value: &Encoded| version_argument(&value.0);
    let instant = |value: &Encoded| instant_argument(&value.0);
    match system {
        SystemField::Id => {
            let id = sql.dialect.id_text(&format!("{alias}.id"));
            render_test(sql, &id, test, &words);
        }
        SystemField::Version => render_test(sql, &format!("{alias}.version"), test, &integer),
        SystemField::CreatedAt => render_test(sql, &format!("{alias}.created_at"), test, &instant),
        SystemField::UpdatedAt => render_test(sql, &format!("{alias}.updated_at"), test, &instant),
        SystemField::CreatedBy => render_test(sql, &format!("{alias}.created_by"), test, &words),
        SystemField::UpdatedBy => render_test(sql, &format!("{alias}.updated_by"), test, &words),
    }
}

/// The argument for an encoded version.
pub(crate) fn version_argument(encoded: &str) -> Argument {
    let version = registry_core::field::decode_integer(encoded);
    Argument::Int(version.expect("a query's versions are encoded as integers"))
}

/// The argument for an encoded time.
pub(crate) fn instant_argument(encoded: &str) -> Argument {
    let instant = Timestamp::parse(encoded);
    Argument::Int(instant.expect("a query's times are encoded as instants").0)
}

/// Appends a test of an expression; NULL when the expression is.
fn render_test(
    sql: &mut Sql,
    expression: &str,
    test: &Test,
    argument: &dyn Fn(&Encoded) -> Argument,
) {
    let mut compare = |operator: &str, value: &Encoded| {
        sql.push("(")
            .push(expression)
            .push(operator)
            .bind(argument(value))
            .push(")");
    };
    match test {
        Test::Equal(value) => compare(" = ", value),
        Test::NotEqual(value) => compare(" <> ", value),
        Test::Less(value) => compare(" < ", value),
        Test::AtMost(value) => compare(" <= ", value),
        Test::Greater(value) => compare(" > ", value),
        Test::AtLeast(value) => compare(" >= ", value),
        Test::Between(low, high) => {
            sql.push("(")
                .push(expression)
                .push(" BETWEEN ")
                .bind(argument(low))
                .push(" AND ")
                .bind(argument(high))
                .push(")");
        }
        Test::In(values) => render_in(sql, expression, values, argument),
        Test::Contains(words) => {
            let needle = sql.placeholder(Argument::Text(words.clone()));
            let condition = sql.dialect.contains(expression, &needle);
            sql.push(&condition);
        }
        Test::StartsWith(words) => {
            let prefix = sql.placeholder(Argument::Text(words.clone()));
            let condition = sql.dialect.starts_with(expression, &prefix);
            // The lower bound lets an index begin at the prefix.
            sql.push("(")
                .push(expression)
                .push(" >= ")
                .push(&prefix)
                .push(" AND ")
                .push(&condition)
                .push(")");
        }
    }
}

fn render_in(
    sql: &mut Sql,
    expression: &str,
    values: &[Encoded],
    argument: &dyn Fn(&Encoded) -> Argument,
) {
    let arguments: Vec<Argument> = values.iter().map(argument).collect();
    let texts: Option<Vec<String>> = arguments
        .iter()
        .map(|argument| {
            if let Argument::Text(text) = argument {
                Some(text.clone())
            } else {
                None
            }
        })
        .collect();
    if let Some(texts) = texts {
        sql.push("(").text_in(expression, texts).push(")");
        return;
    }
    sql.push("(").push(expression).push(" IN (");
    for (index, argument) in arguments.into_iter().enumerate() {
        if index > 0 {
            sql.push(", ");
        }
        sql.bind(argument);
    }
    sql.push("))");
}
