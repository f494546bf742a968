using Microsoft.Extensions.Options;
using Updraft.Server.Access;
using Updraft.Server.Agents;
using Updraft.Server.Api;
using Updraft.Server.Bundles;
using Updraft.Server.Clusters;
using Updraft.Server.Database;
using Updraft.Server.DeploymentLog;
using Updraft.Server.Deployments;
using Updraft.Server.Deploys;
using Updraft.Server.Deploys.Bundles;
using Updraft.Server.Deploys.Compare;
using Updraft.Server.Events;
using Updraft.Server.Health;
using Updraft.Server.Images;
using Updraft.Server.Import;
using Updraft.Server.OpenApi;
using Updraft.Server.Organizations;
using Updraft.Server.Roles;
using Updraft.Server.Rollouts;
using Updraft.Server.SignIn;
using Updraft.Server.Storage;
using Updraft.Server.Telemetry;
using Updraft.Server.Tokens;
using Updraft.Server.Uploads;
using Updraft.Server.Users;
using Updraft.Server.Web;
using Updraft.Server.Webhooks;
using Updraft.Server.Workspaces;

namespace Updraft.Server;

/// <summary>Composes the server: one Add and one Map per slice.</summary>
internal static class Program
{
    private static readonly ApiVersion[] ApiVersions = [ApiVersion.V1, ApiVersion.V1Beta1, ApiVersion.Labs];

    private static readonly Dictionary<string, SubCommand> SubCommands = new(StringComparer.Ordinal)
    {
        ["scrub"] = new((services, arguments, cancellationToken) =>
            ScrubCommand.RunAsync(services, arguments.Has("--json"), cancellationToken)),
        ["import"] = ImportCommand.Command,
    };

    private static Task<int> Main(string[] args) => ServerCommand.RunAsync(args, args => Create(args), StartAsync, SubCommands);

    /// <summary>Builds the server without starting it.</summary>
    /// <param name="args">The command line.</param>
    /// <param name="adjust">Changes the builder before the build, for tests.</param>
    public static WebApplication Create(string[] args, Action<WebApplicationBuilder>? adjust = null)
    {
        var builder = ServerHost.CreateBuilder(args);
        builder.AddTelemetry();
        builder.AddHealth();
        builder.AddUpdraftDatabase();
        builder.AddEvents();
        builder.AddTokens();
        builder.AddOrganizations();
        builder.AddClusters();
        builder.AddUsers();
        builder.AddSignIn();
        builder.AddAccess();
        builder.AddWorkspaces();
        builder.AddDeployments();
        builder.AddStorage();
        builder.AddBundles();
        builder.AddUploads();
        builder.AddAgents();
        builder.AddRollouts();
        builder.AddDeploys();
        builder.AddDeploymentBundles();
        builder.AddDeploymentLogs();
        builder.AddImages();
        builder.AddWebhooks();
        builder.AddApiDescription();
        builder.AddPages();
        adjust?.Invoke(builder);

        var app = builder.Build();
        app.UseClientAddress();
        app.UsePublicUrl();
        app.UseMiddleware<ApiErrors>();
        app.UseHead();
        app.UseUploads();
        app.UseRouting();
        app.UseSignIn();
        app.UsePages();
        app.UseAccess();
        app.UseMiddleware<CheckQuery>();
        app.UseMiddleware<LimitContentReads>();
        app.UseMiddleware<UnsupportedFeatures>();
        app.UseMiddleware<RetryConflicts>();
        app.MapHealth();
        app.MapSignIn();
        app.MapBundles();
        app.MapUploads();
        app.MapAgents();
        app.MapRollouts();
        app.MapImages();
        app.MapApiDescription();
        app.MapPages();
        foreach (var version in ApiVersions)
        {
            var api = app.MapGroup(version.Prefix).WithMetadata(version);
            api.MapOrganizations();
            api.MapClusters();
            api.MapWorkspaces();
            api.MapDeployments();
            api.MapTokens();
            api.MapUsers();
            api.MapRoles();
            api.MapDeploys();
            api.MapDeploymentBundles();
            api.MapDeploymentLogs();
        }
        var alpha = app.MapGroup("/v1alpha1");
        alpha.MapAlphaDeployments();
        alpha.MapAlphaDeploys();
        alpha.MapDeploymentBundles();
        var own = app.MapGroup("/updraft/v1");
        own.MapDeployFiles();
        own.MapWebhooks();
        own.MapEvents();
        own.MapSessions();
        var iam = app.MapGroup(ApiVersion.IamV1Beta1.Prefix).WithMetadata(ApiVersion.IamV1Beta1);
        iam.MapBetaTokens();
        iam.MapAgentTokens();
        iam.MapUsers();
        iam.MapRoles();
        return app;
    }

    /// <summary>Validates the settings, prepares the data directory and starts to serve.</summary>
    /// <param name="app">The result of <see cref="Create"/>.</param>
    /// <param name="console">Gets the messages for the operator.</param>
    public static async Task StartAsync(WebApplication app, TextWriter console)
    {
        app.Services.GetRequiredService<IStartupValidator>().Validate();
        app.Services.GetRequiredService<WarnAtStart>().Run();
        app.ListenAsConfigured();
        app.Services.GetRequiredService<DataDirectoryLock>().Take();
        await using (var scope = app.Services.CreateAsyncScope())
        {
            var prepare = scope.ServiceProvider.GetRequiredService<PrepareDatabase>();
            await using var turn = await prepare.LockMigrationsAsync(app.Lifetime.ApplicationStopping);
            await prepare.RunAsync(app.Lifetime.ApplicationStopping);
            await scope.ServiceProvider.GetRequiredService<RemoveGitCredentials>().RunAsync(app.Lifetime.ApplicationStopping);
            await scope.ServiceProvider.GetRequiredService<CheckKeys>().RunAsync(app.Lifetime.ApplicationStopping);
            await scope.ServiceProvider.GetRequiredService<BootstrapTenancy>().RunAsync(console, app.Lifetime.ApplicationStopping);
        }
        await app.StartAsync();
    }
}
