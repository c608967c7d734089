//! Rows of the node's own tables, typed.

/// Defines a row of one of the node's own tables once: the struct, how it is added, and how it is read.
macro_rules! kept {
    (
        $(#[$doc:meta])*
        $name:ident in $table:literal {
            $($(#[$field_doc:meta])* $field:ident: $type:ty,)+
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)+
        }

        impl $name {
            const FIELDS: &'static [&'static str] = &[$(stringify!($field)),+];

            /// Adds the row.
            ///
            /// # Errors
            /// When the database refuses it.
            pub async fn add(self, connection: &mut sqlx::sqlite::SqliteConnection) -> Result<(), node::Failure> {
                let places = vec!["?"; Self::FIELDS.len()].join(", ");
                let sql = format!("INSERT INTO {} ({}) VALUES ({places})", $table, Self::FIELDS.join(", "));
                sqlx::query(sqlx::AssertSqlSafe(sql))$(.bind(self.$field))+.execute(connection).await?;
                Ok(())
            }

            /// The rows that `rest` chooses: what follows `FROM` and the table, with `?1` and so on for `values`.
            ///
            /// # Errors
            /// When the database cannot be read.
            pub async fn select(
                connection: &mut sqlx::sqlite::SqliteConnection,
                rest: &'static str,
                values: &[contract::Cell],
            ) -> Result<Vec<Self>, node::Failure> {
                use sqlx::Row as _;
                let sql = format!("SELECT {} FROM {} {rest}", Self::FIELDS.join(", "), $table);
                let query = values.iter().fold(sqlx::query(sqlx::AssertSqlSafe(sql)), node::rows::bind);
                let rows = query.fetch_all(connection).await?;
                let typed = |row: &sqlx::sqlite::SqliteRow| Ok(Self { $($field: row.try_get(stringify!($field))?,)+ });
                rows.iter().map(typed).collect()
            }
        }
    };
}
pub(crate) use kept;
