using Microsoft.Extensions.Options;
using Updraft.Server.Agents;
using Updraft.Server.Api;
using Updraft.Server.Bundles;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Deploys;
using Updraft.Server.Health;
using Updraft.Server.OpenApi;
using Updraft.Server.Organizations;
using Updraft.Server.Rollouts;
using Updraft.Server.Storage;
using Updraft.Server.Tokens;
using Updraft.Server.Uploads;
using Updraft.Server.Workspaces;

namespace Updraft.Server;

/// <summary>The table of contents: one Add and one Map per slice.</summary>
internal static class Program
{
    /// <summary>The public API has two addresses: today's, and the one that older clients call.</summary>
    private static readonly string[] ApiPrefixes = ["/v1", "/platform/v1beta1"];

    private static readonly Dictionary<string, SubCommand> SubCommands = new(StringComparer.Ordinal)
    {
        ["scrub"] = ScrubCommand.RunAsync,
    };

    private static Task<int> Main(string[] args) => ServerCommand.RunAsync(args, args => Create(args), StartAsync, SubCommands);

    /// <summary>Builds the server; nothing runs yet.</summary>
    /// <param name="args">The command line.</param>
    /// <param name="adjust">Last changes before it is built, for tests.</param>
    public static WebApplication Create(string[] args, Action<WebApplicationBuilder>? adjust = null)
    {
        var builder = ServerHost.CreateBuilder(args);
        builder.Services.AddUpdraftDatabase();
        builder.AddTokens();
        builder.AddWorkspaces();
        builder.AddDeployments();
        builder.Services.AddStorage();
        builder.Services.AddBundles();
        builder.AddUploads();
        builder.AddAgents();
        builder.AddRollouts();
        builder.AddDeploys();
        builder.AddApiDescription();
        adjust?.Invoke(builder);

        var app = builder.Build();
        app.UseMiddleware<ApiErrors>();
        app.UseRouting();
        app.UseTokens();
        app.MapHealth();
        app.MapBundles();
        app.MapUploads();
        app.MapAgents();
        app.MapRollouts();
        app.MapApiDescription();
        foreach (var prefix in ApiPrefixes)
        {
            var api = app.MapGroup(prefix);
            api.MapOrganizations();
            api.MapWorkspaces();
            api.MapDeployments();
            api.MapTokens();
            api.MapDeploys();
        }
        return app;
    }

    /// <summary>Checks the settings, prepares the data folder and starts serving.</summary>
    /// <param name="app">What <see cref="Create"/> made.</param>
    /// <param name="console">Where the operator reads.</param>
    public static async Task StartAsync(WebApplication app, TextWriter console)
    {
        app.Services.GetRequiredService<IStartupValidator>().Validate();
        app.ListenAsConfigured();
        app.Services.GetRequiredService<DataFolderLock>().Take();
        await app.Services.MigrateDatabaseAsync(app.Lifetime.ApplicationStopping);
        await using (var scope = app.Services.CreateAsyncScope())
            await scope.ServiceProvider.GetRequiredService<BootstrapTenancy>().RunAsync(console, app.Lifetime.ApplicationStopping);
        await app.StartAsync();
    }
}
