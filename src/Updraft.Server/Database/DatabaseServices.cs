using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;
using Microsoft.Extensions.Options;
using Updraft.Server.Api;

namespace Updraft.Server.Database;

/// <summary>Chooses and prepares the database.</summary>
internal static class DatabaseServices
{
    public static void AddUpdraftDatabase(this IServiceCollection services)
    {
        services.AddSingleton<SqliteWriterGate>();
        services.AddDbContext<UpdraftDbContext, SqliteUpdraftDbContext>((provider, options) =>
            Configure(options, Path.Join(provider.GetRequiredService<IOptions<ServerOptions>>().Value.Folder("database"), "updraft.db")));
    }

    /// <summary>Brings the schema to this program's version. Safe to repeat. Only the holder of the data folder's lock may call it.</summary>
    public static async Task MigrateDatabaseAsync(this IServiceProvider services, CancellationToken cancellationToken)
    {
        await using var scope = services.CreateAsyncScope();
        var database = scope.ServiceProvider.GetRequiredService<UpdraftDbContext>().Database;
        // The migrations' own lock is a row. Who is killed leaves it, and the next start would wait for it for ever. Nobody else can
        // hold it while this process holds the data folder.
        await database.ExecuteSqlRawAsync("""DROP TABLE IF EXISTS "__EFMigrationsLock";""", cancellationToken);
        await database.MigrateAsync(cancellationToken);
    }

    private static DbContextOptionsBuilder Configure(DbContextOptionsBuilder options, string path) => options
        .UseSqlite($"Data Source={path}")
        .UseSnakeCaseNamingConvention()
        .AddInterceptors(new SqlitePragmas());

    /// <summary>Lets <c>dotnet ef migrations add</c> build the model.</summary>
    internal sealed class DesignTime : IDesignTimeDbContextFactory<SqliteUpdraftDbContext>
    {
        public SqliteUpdraftDbContext CreateDbContext(string[] args) => new(
            (DbContextOptions<SqliteUpdraftDbContext>)Configure(new DbContextOptionsBuilder<SqliteUpdraftDbContext>(), "design-time.db").Options,
            new SqliteWriterGate());
    }
}
