using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.Extensions.Options;
using Npgsql;
using Updraft.Server.Api;
using Updraft.Server.Telemetry;

namespace Updraft.Server.Database;

/// <summary>Chooses the database: PostgreSQL when the settings name one, SQLite in the data folder otherwise.</summary>
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
        // The first of all, so that it stops last: the lead is given up when nobody works any more.
        services.AddSingleton<LeaderElection>();
        services.AddHostedService(provider => provider.GetRequiredService<LeaderElection>());
        if (section.Get<DatabaseOptions>() is { IsShared: true })
        {
            services.AddSingleton(provider => NpgsqlDataSource.Create(provider.GetRequiredService<IOptions<DatabaseOptions>>().Value.ForWork()));
            services.AddDbContext<UpdraftDbContext, PostgresUpdraftDbContext>((provider, options) =>
                options.UseNpgsql(provider.GetRequiredService<NpgsqlDataSource>()).UseSnakeCaseNamingConvention()
                    .AddInterceptors(provider.GetServices<IInterceptor>()), optionsLifetime: ServiceLifetime.Singleton);
        }
        else
        {
            services.AddSingleton<SqliteWriterGate>();
            services.AddDbContext<UpdraftDbContext, SqliteUpdraftDbContext>((provider, options) =>
                OfFile(options, Path.Join(provider.GetRequiredService<IOptions<ServerOptions>>().Value.Folder("database"), "updraft.db"))
                    .AddInterceptors(provider.GetServices<IInterceptor>()), optionsLifetime: ServiceLifetime.Singleton);
        }
    }

    /// <summary>PostgreSQL on a connection of its own, not of the pool, whose connections give up on what takes long.</summary>
    public static UpdraftDbContext OpenWithoutTimeout(DatabaseOptions options) => new PostgresUpdraftDbContext(
        new DbContextOptionsBuilder<PostgresUpdraftDbContext>().UseNpgsql(options.ForOne().ConnectionString).UseSnakeCaseNamingConvention().Options);

    /// <summary>SQLite's file of another data folder, to read from; the caller holds that folder's lock, or takes what it gets.</summary>
    public static UpdraftDbContext OpenToRead(string path, SqliteWriterGate gate) => new SqliteUpdraftDbContext(
        new DbContextOptionsBuilder<SqliteUpdraftDbContext>().UseSqlite($"Data Source={path};Mode=ReadOnly;Pooling=False")
            .UseSnakeCaseNamingConvention().Options, gate);

    private static DbContextOptionsBuilder OfFile(DbContextOptionsBuilder options, string path) => options
        .UseSqlite($"Data Source={path}")
        .UseSnakeCaseNamingConvention()
        .AddInterceptors(new SqlitePragmas());

    /// <summary>Lets <c>dotnet ef migrations add</c> build the models.</summary>
    internal sealed class DesignTime : IDesignTimeDbContextFactory<SqliteUpdraftDbContext>, IDesignTimeDbContextFactory<PostgresUpdraftDbContext>
    {
        SqliteUpdraftDbContext IDesignTimeDbContextFactory<SqliteUpdraftDbContext>.CreateDbContext(string[] args) => new(
            (DbContextOptions<SqliteUpdraftDbContext>)OfFile(new DbContextOptionsBuilder<SqliteUpdraftDbContext>(), "design-time.db").Options,
            new SqliteWriterGate());

        PostgresUpdraftDbContext IDesignTimeDbContextFactory<PostgresUpdraftDbContext>.CreateDbContext(string[] args) =>
            new(new DbContextOptionsBuilder<PostgresUpdraftDbContext>().UseNpgsql("Host=design-time").UseSnakeCaseNamingConvention().Options);
    }
}
