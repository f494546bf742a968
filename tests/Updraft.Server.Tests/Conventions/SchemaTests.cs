using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Updraft.Server.Database;

namespace Updraft.Server.Tests.Conventions;

public sealed class SchemaTests
{
    [Fact]
    public async Task A_started_server_has_every_column_of_the_model()
    {
        await using var server = await UpdraftServer.StartAsync();
        await using var scope = server.Services.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<UpdraftDbContext>();
        var missing = new List<string>();
        foreach (var entity in db.Model.GetEntityTypes())
        {
            var table = entity.GetTableName()!;
            var columns = await (TestDatabase.IsPostgres
                ? db.Database.SqlQuery<string>($"""SELECT column_name::text AS "Value" FROM information_schema.columns WHERE table_name = {table}""")
                : db.Database.SqlQuery<string>($"SELECT name AS Value FROM pragma_table_info({table})"))
                .ToListAsync(TestContext.Current.CancellationToken);
            missing.AddRange(entity.GetProperties().Select(property => property.GetColumnName()).Except(columns).Select(column => $"{table}.{column}"));
        }
        Assert.True(missing.Count == 0, "The model has columns that the database lacks; add a migration (dotnet ef migrations add):\n" + string.Join('\n', missing));
    }

    [Fact]
    public async Task No_change_of_the_model_waits_for_its_migration()
    {
        await using var server = await UpdraftServer.StartAsync();
        await using var scope = server.Services.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<UpdraftDbContext>();
        Assert.NotEmpty(db.Database.GetMigrations());
        Assert.False(db.Database.HasPendingModelChanges(), "Add a migration (dotnet ef migrations add): installations that exist would lack the change.");
    }
}
