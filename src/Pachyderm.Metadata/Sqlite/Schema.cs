using System.Text;

namespace Pachyderm.Metadata.Sqlite;

/// <summary>
/// The tables of <see cref="StoreFormat.Version"/>. Moments are UTC ticks of 100 ns since the year 1; text is compared bytewise. Records
/// refer to each other by name and without foreign keys, since the contract checks nothing beyond identity.
/// </summary>
internal static class Schema
{
    /// <summary>All statements.</summary>
    public const string Create =
        """
        CREATE TABLE store (
          id INTEGER PRIMARY KEY CHECK (id = 1),
          format INTEGER NOT NULL,
          min_reader INTEGER NOT NULL,
          created INTEGER NOT NULL,
          store_id TEXT NOT NULL
        ) STRICT;

        -- The last numbers given out, and the last change that was trimmed.
        CREATE TABLE sequences (
          id INTEGER PRIMARY KEY CHECK (id = 1),
          revision INTEGER NOT NULL,
          pending_write INTEGER NOT NULL,
          change INTEGER NOT NULL,
          trimmed_change INTEGER NOT NULL
        ) STRICT;
        INSERT INTO sequences VALUES (1, 0, 0, 0, 0);

        CREATE TABLE repos (
          name TEXT NOT NULL PRIMARY KEY,
          created INTEGER NOT NULL,
          description TEXT NOT NULL,
          size_bytes INTEGER NOT NULL,
          revision INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE UNIQUE INDEX repos_by_revision ON repos (revision);

        CREATE TABLE repo_provenance (
          repo TEXT NOT NULL,
          position INTEGER NOT NULL,
          provenance TEXT NOT NULL,
          PRIMARY KEY (repo, position)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX repo_provenance_by_provenance ON repo_provenance (provenance, repo);

        -- "inserted" is the revision of the first write, which keeps the order of creation.
        CREATE TABLE commits (
          repo TEXT NOT NULL,
          id TEXT NOT NULL,
          parent TEXT,
          started INTEGER NOT NULL,
          finished INTEGER,
          size_bytes INTEGER NOT NULL,
          tree BLOB,
          revision INTEGER NOT NULL,
          inserted INTEGER NOT NULL,
          PRIMARY KEY (repo, id)
        ) STRICT, WITHOUT ROWID;
        CREATE UNIQUE INDEX commits_by_revision ON commits (repo, revision);

        CREATE TABLE commit_provenance (
          repo TEXT NOT NULL,
          id TEXT NOT NULL,
          position INTEGER NOT NULL,
          provenance_repo TEXT NOT NULL,
          provenance_id TEXT NOT NULL,
          PRIMARY KEY (repo, id, position)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX commit_provenance_by_provenance ON commit_provenance (provenance_repo, provenance_id, repo, id);

        CREATE TABLE branches (
          repo TEXT NOT NULL,
          name TEXT NOT NULL,
          head TEXT NOT NULL,
          revision INTEGER NOT NULL,
          PRIMARY KEY (repo, name)
        ) STRICT, WITHOUT ROWID;
        CREATE UNIQUE INDEX branches_by_revision ON branches (repo, revision);

        -- A commit has a row here while it has pending writes: their number and bytes, and a short key for them.
        CREATE TABLE pending_owners (
          number INTEGER PRIMARY KEY,
          repo TEXT NOT NULL,
          id TEXT NOT NULL,
          writes INTEGER NOT NULL,
          bytes INTEGER NOT NULL
        ) STRICT;
        CREATE UNIQUE INDEX pending_owners_by_commit ON pending_owners (repo, id);

        CREATE TABLE pending_writes (
          owner INTEGER NOT NULL,
          sequence INTEGER NOT NULL,
          payload BLOB NOT NULL,
          PRIMARY KEY (owner, sequence)
        ) STRICT, WITHOUT ROWID;

        -- A hash is a blob of 64 bytes. Text that is not a SHA-512 in lower-case digits is kept as text.
        CREATE TABLE objects (
          hash ANY NOT NULL PRIMARY KEY,
          created INTEGER NOT NULL,
          size_bytes INTEGER NOT NULL,
          content BLOB NOT NULL
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE tags (
          name TEXT NOT NULL PRIMARY KEY,
          object_hash ANY NOT NULL
        ) STRICT, WITHOUT ROWID;

        -- Records of other rooms, whose encodings carry numbers of their own.
        CREATE TABLE rows (
          space INTEGER NOT NULL,
          key BLOB NOT NULL,
          value BLOB NOT NULL,
          PRIMARY KEY (space, key)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE changes (
          sequence INTEGER PRIMARY KEY,
          kind INTEGER NOT NULL,
          repo TEXT NOT NULL,
          commit_id TEXT,
          branch TEXT
        ) STRICT;
        """;

    /// <summary>
    /// The tables and indexes that a file has, one statement each, in order of name, without what an upgrade needs until it is finalized.
    /// </summary>
    public static string Read(Database database)
    {
        // SQLite puts the name of a table into quotes when it renames it, which upgrades do.
        using Query query = database.Prepare(
            """
            SELECT replace(sql, '"', '') FROM sqlite_schema
            WHERE sql IS NOT NULL AND name NOT GLOB 'upgrade_*' AND tbl_name NOT GLOB 'upgrade_*' ORDER BY name
            """);
        StringBuilder text = new();
        while (query.Step())
        {
            text.Append(query.Text(0)).Append(";\n");
        }

        return text.ToString();
    }
}
