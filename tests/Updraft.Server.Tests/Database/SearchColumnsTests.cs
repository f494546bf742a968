using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Updraft.Server.Database;
using Updraft.Server.Tests.Replicas;

namespace Updraft.Server.Tests.Database;

/// <summary>The migration SearchColumns copies texts out of JSON columns, for the rows of earlier releases.</summary>
public sealed class SearchColumnsTests
{
    private const string Rows = """
        INSERT INTO deploys (id, deployment_id, number, type, status, image_repository, image_tag, is_dag_deploy_enabled, created_at,
            created_by, updated_at, updated_by, git)
        VALUES ('d1', 'd', 1, 'DagOnly', 'Deployed', '', '', TRUE, 1,
                '{"id":"u1","kind":0,"name":"ann@example.org","fullName":"Ann \u00c9llis"}', 1,
                '{"id":"u1","kind":0,"name":"ann@example.org","fullName":null}',
                '{"provider":"GITHUB","commitSha":"0123abcd","account":"shop","repo":"airflow","remoteUrl":null,"branch":"release"}'),
               ('d2', 'd', 2, 'DagOnly', 'Deployed', '', '', TRUE, 1, '{"id":"t1","kind":1,"name":"ci","fullName":null}', 1,
                '{"id":"t1","kind":1,"name":"ci","fullName":null}', NULL);
        INSERT INTO events (id, at, type, organization_id, "by", target_type, target_id, target_name, details, is_pending)
        VALUES ('e1', 1, 'deploy.created', 'o', '{"id":"u1","kind":0,"name":"ann@example.org","fullName":"Ann"}', 'deploy', 'd1', 'x',
                '{"number":"1","commitSha":"0123abcd"}', FALSE),
               ('e2', 2, 'token.created', 'o', '{"id":"t1","kind":1,"name":"ci","fullName":null}', 'token', 't2', 'x', '{}', FALSE);
        """;

    private const string Token = """
        INSERT INTO api_tokens (id, organization_id, kind, name, description, hash, short_token, is_signed, created_at, created_by,
            updated_at, updated_by)
        VALUES ('t1', 'o', 'Api', 'ci', '', {0}, 's', TRUE, 1, '{{"id":"u1","kind":0,"name":"ann"}}', 1,
            '{{"id":"u2","kind":0,"name":"ben"}}')
        """;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Trait("Database", "SQLite")]
    [Fact]
    public async Task Rows_of_SQLite_are_filled()
    {
        var directory = Directory.CreateTempSubdirectory("updraft-test-").FullName;
        try
        {
            using var gate = new SqliteWriterGate();
            var options = new DbContextOptionsBuilder<SqliteUpdraftDbContext>()
                .UseSqlite($"Data Source={Path.Join(directory, "old.db")};Pooling=false").UseSnakeCaseNamingConvention().Options;
            await using var db = new SqliteUpdraftDbContext(options, gate);
            await CheckAsync(db);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    internal static async Task CheckAsync(UpdraftDbContext db)
    {
        var before = db.Database.GetMigrations().TakeWhile(id => !id.EndsWith("_SearchColumns", StringComparison.Ordinal)).Last();
        await db.GetService<IMigrator>().MigrateAsync(before, Cancelled);
        // Formats are no part of this text, so braces are doubled.
        await db.Database.ExecuteSqlRawAsync(Rows.Replace("{", "{{", StringComparison.Ordinal).Replace("}", "}}", StringComparison.Ordinal),
            Cancelled);
        await db.Database.ExecuteSqlRawAsync(Token, [new byte[] { 1 }], Cancelled);

        await db.Database.MigrateAsync(Cancelled);

        Assert.Equal(["d1|u1|ann@example.org|Ann Éllis|0123abcd/shop/airflow/release", "d2|t1|ci|-|"], await ReadAsync("""
            SELECT id || '|' || created_by_id || '|' || created_by_name || '|' || COALESCE(created_by_full_name, '-') || '|'
                || replace(git_text, '
            ', '/') AS "Value" FROM deploys ORDER BY id
            """));
        Assert.Equal(["e1|u1|ann@example.org|Ann|1/0123abcd", "e2|t1|ci|-|"], await ReadAsync("""
            SELECT id || '|' || actor_id || '|' || actor_name || '|' || COALESCE(actor_full_name, '-') || '|'
                || replace(detail_text, '
            ', '/') AS "Value" FROM events ORDER BY id
            """));
        Assert.Equal(["t1|u1|u2"],
            await ReadAsync("""SELECT id || '|' || created_by_id || '|' || updated_by_id AS "Value" FROM api_tokens"""));

        Task<List<string>> ReadAsync(string sql) => db.Database.SqlQueryRaw<string>(sql).ToListAsync(Cancelled);
    }
}

public sealed class PostgresSearchColumnsTests(PostgresCluster cluster) : IClassFixture<PostgresCluster>
{
    [Fact]
    public async Task Rows_of_PostgreSQL_are_filled()
    {
        await using var database = await cluster.CreateDatabaseAsync();
        await using var db = DatabaseServices.OpenWithoutTimeout(new DatabaseOptions { ConnectionString = database.ConnectionString });
        await SearchColumnsTests.CheckAsync(db);
    }
}
