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

    /// <summary>Brings the schema to this program's version. Safe to repeat.</summary>
    public static async Task MigrateDatabaseAsync(this IServiceProvider services, CancellationToken cancellationToken)
    {
        await using var scope = services.CreateAsyncScope();
        await scope.ServiceProvider.GetRequiredService<UpdraftDbContext>().Database.MigrateAsync(cancellationToken);
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
