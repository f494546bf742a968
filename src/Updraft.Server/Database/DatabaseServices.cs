using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.Extensions.Options;
using Npgsql;
using Updraft.Server.Api;
using Updraft.Server.Telemetry;

namespace Updraft.Server.Database;

/// <summary>
/// Registers the database: PostgreSQL if <c>Database:ConnectionString</c> is set, otherwise SQLite in the data directory.
/// </summary>
internal static class DatabaseServices
{
    public static void AddUpdraftDatabase(this IHostApplicationBuilder builder)
    {
        var services = builder.Services;
        var section = builder.Configuration.GetSection("Database");
        services.AddOptions<DatabaseOptions>().Bind(section).ValidateDataAnnotations().ValidateOnStart();
        services.AddMetricsOf(DatabaseMetrics.Begin);
        services.AddScoped<PrepareDatabase>();
        services.AddSingleton<ReadCache>();
        // Registered before the other hosted services, so that it stops after them: the replica stays the leader while they end their work.
        services.AddSingleton<LeaderElection>();
        services.AddHostedService(provider => provider.GetRequiredService<LeaderElection>());
        if (section.Get<DatabaseOptions>() is { IsShared: true })
        {
            services.AddSingleton(provider =>
                NpgsqlDataSource.Create(provider.GetRequiredService<IOptions<DatabaseOptions>>().Value.ForPool()));
            services.AddDbContext<UpdraftDbContext, PostgresUpdraftDbContext>((provider, options) =>
                options.UseNpgsql(provider.GetRequiredService<NpgsqlDataSource>()).UseSnakeCaseNamingConvention()
                    .AddInterceptors(provider.GetServices<IInterceptor>()), optionsLifetime: ServiceLifetime.Singleton);
        }
        else
        {
            services.AddSingleton<SqliteWriterGate>();
            services.AddDbContext<UpdraftDbContext, SqliteUpdraftDbContext>((provider, options) =>
                UseFile(options, PrepareFile(provider.GetRequiredService<IOptions<ServerOptions>>().Value))
                    .AddInterceptors(provider.GetServices<IInterceptor>()), optionsLifetime: ServiceLifetime.Singleton);
        }
    }

    /// <summary>Opens PostgreSQL on a connection outside of the pool, whose statements have no timeout.</summary>
    public static UpdraftDbContext OpenWithoutTimeout(DatabaseOptions options) => new PostgresUpdraftDbContext(
        new DbContextOptionsBuilder<PostgresUpdraftDbContext>().UseNpgsql(options.ForSingleConnection().ConnectionString)
            .UseSnakeCaseNamingConvention().Options);

    /// <summary>
    /// Opens the SQLite file of another data directory for reading. Hold the lock of that directory: otherwise its server may write in the
    /// meantime.
    /// </summary>
    public static UpdraftDbContext OpenForReading(string path, SqliteWriterGate gate) => new SqliteUpdraftDbContext(
        new DbContextOptionsBuilder<SqliteUpdraftDbContext>().UseSqlite($"Data Source={path};Mode=ReadOnly;Pooling=False")
            .UseSnakeCaseNamingConvention().AddInterceptors(new SqlitePragmas()).Options, gate);

    // SQLite would create the file with the mode 0644. Its write-ahead log gets the mode of the file.
    private static string PrepareFile(ServerOptions server)
    {
        var path = Path.Join(server.Folder("database"), "updraft.db");
        PrivateDirectory.CreateFile(path);
        return path;
    }

    private static DbContextOptionsBuilder UseFile(DbContextOptionsBuilder options, string path) => options
        .UseSqlite($"Data Source={path}")
        .UseSnakeCaseNamingConvention()
        .AddInterceptors(new SqlitePragmas());

    /// <summary>Creates the contexts for <c>dotnet ef migrations add</c>.</summary>
    internal sealed class DesignTime : IDesignTimeDbContextFactory<SqliteUpdraftDbContext>,
        IDesignTimeDbContextFactory<PostgresUpdraftDbContext>
    {
        SqliteUpdraftDbContext IDesignTimeDbContextFactory<SqliteUpdraftDbContext>.CreateDbContext(string[] args) => new(
            (DbContextOptions<SqliteUpdraftDbContext>)UseFile(new DbContextOptionsBuilder<SqliteUpdraftDbContext>(), "design-time.db")
                .Options, new SqliteWriterGate());

        PostgresUpdraftDbContext IDesignTimeDbContextFactory<PostgresUpdraftDbContext>.CreateDbContext(string[] args) =>
            new(new DbContextOptionsBuilder<PostgresUpdraftDbContext>().UseNpgsql("Host=design-time").UseSnakeCaseNamingConvention()
                .Options);
    }
}
