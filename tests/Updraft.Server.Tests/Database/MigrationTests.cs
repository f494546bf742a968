using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Updraft.Server.Database;

namespace Updraft.Server.Tests.Database;

public sealed class MigrationTests
{
    [Trait("Database", "SQLite")]
    [Fact]
    public async Task Token_of_the_first_schema_keeps_its_role_and_scope()
    {
        var directory = Directory.CreateTempSubdirectory("updraft-test-").FullName;
        try
        {
            using var gate = new SqliteWriterGate();
            var options = new DbContextOptionsBuilder<SqliteUpdraftDbContext>()
                .UseSqlite($"Data Source={Path.Join(directory, "old.db")};Pooling=false").UseSnakeCaseNamingConvention().Options;
            await using var db = new SqliteUpdraftDbContext(options, gate);
            var cancelled = TestContext.Current.CancellationToken;
            await db.GetService<IMigrator>().MigrateAsync(db.Database.GetMigrations().First(), cancelled);
            await db.Database.ExecuteSqlRawAsync("""
                INSERT INTO api_tokens (id, organization_id, workspace_id, deployment_id, kind, role, name, description, hash, short_token,
                    is_signed, created_at, created_by)
                VALUES ('t1', 'o', NULL, NULL, 'Api', 'OrganizationOwner', 'a', '', x'01', 's', 1, 7, 'me'),
                       ('t2', 'o', 'w', NULL, 'Api', 'WorkspaceAuthor', 'a', '', x'02', 's', 1, 8, 'me'),
                       ('t3', 'o', 'w', 'd', 'Agent', 'Agent', 'a', '', x'03', 's', 1, 9, 'me');
                """, cancelled);
            await db.Database.MigrateAsync(cancelled);
            var rows = await db.Database.SqlQuery<string>($"""
                SELECT token_id || ' ' || entity_id || ' ' || role || ' ' || COALESCE(g.workspace_id, '-') || ' ' || COALESCE(g.deployment_id, '-')
                    || ' ' || t.updated_at || ' ' || t.updated_by AS Value
                FROM token_grants g JOIN api_tokens t ON t.id = g.token_id ORDER BY 1
                """).ToListAsync(cancelled);
            Assert.Equal(["t1 o OrganizationOwner - - 7 me", "t2 w WorkspaceAuthor w - 8 me", "t3 d Agent w d 9 me"], rows);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }
}
