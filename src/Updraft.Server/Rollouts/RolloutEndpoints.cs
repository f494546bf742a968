using System.Globalization;
using Microsoft.AspNetCore.Http.Features;
using Updraft.Protocol;
using Updraft.Server.Agents;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Security;
using Updraft.Server.Telemetry;

namespace Updraft.Server.Rollouts;

/// <summary>The routes on which agents receive the desired state and report.</summary>
internal static class RolloutEndpoints
{
    public static void AddRollouts(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<RevisionSignal>();
        if (builder.Configuration.GetSection("Database").Get<DatabaseOptions>() is { IsShared: true })
            builder.Services.AddHostedService<ListenForRevisions>();
        builder.Services.AddSingleton<RolloutMetrics>();
        builder.Services.AddMetricsOf(RolloutMetrics.Begin);
        builder.Services.AddBackgroundWork(ListenForRevisions.WorkName);
        builder.Services.AddTraceNoise(static path => path.Contains(AgentRoutes.State, StringComparison.Ordinal));
        builder.Services.AddSingleton<BeforeScrape>(static services => services.GetRequiredService<RolloutMetrics>().CountAgentsAsync);
        builder.Services.AddSingleton<SignState>();
        builder.Services.AddSingleton<WaitForState>();
        builder.Services.AddScoped<RecordReport>();
        builder.Services.AddScoped<RecordActive>();
        builder.Services.AddScoped<CurrentVersions>();
        builder.Services.AddScoped<AgentHistory>();
        builder.Services.AddScoped<EnsureBundles>();
        builder.Services.AddScoped<AppendRevision>();
        builder.Services.AddScoped<ReadConditions>();
        builder.Services.AddScoped<ReadDeploymentConditions>(static services => services.GetRequiredService<ReadConditions>().RunAsync);
    }

    public static void MapRollouts(this IEndpointRouteBuilder routes)
    {
        // Ends all waits when the server stops. One registration serves all requests, because 10,000 agents may wait.
        routes.ServiceProvider.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping
            .Register(routes.ServiceProvider.GetRequiredService<RevisionSignal>().AnnounceAll);
        // Lazy, because it needs the signing keys, and commands that do not serve must not create them.
        var wait = new Lazy<WaitForState>(routes.ServiceProvider.GetRequiredService<WaitForState>);
        var sessions = routes.ServiceProvider.GetRequiredService<AgentSessions>();
        routes.MapGet(AgentRoutes.State, context => WaitAsync(context, wait.Value, sessions)).Requires(Permission.ActAsAgent);
        routes.MapPost(AgentRoutes.Report, ReportAsync).Requires(Permission.ActAsAgent);
    }

    // Thousands of agents wait at the same time, so a waiting request keeps no service scope, no query and no token.
    private static async Task WaitAsync(HttpContext context, WaitForState wait, AgentSessions sessions)
    {
        var (subject, credential) = (context.Features.GetRequiredFeature<Subject>(), context.Features.GetRequiredFeature<Credential>());
        var response = await StartWaiting(context, subject, wait);
        // Now the agent is known to belong to the token.
        if (context.Features.Get<WaitRequest>() is { } request)
            sessions.Record(request.Agent, request.Session);
        // The wait may take minutes. A token that was deleted in the meantime must not receive the state.
        if (response is not null && !await credential.IsStillValidAsync(context.RequestAborted))
            throw new ApiException(RequestErrors.Unauthenticated, "The token was deleted or has expired. Create a new agent token.");
        if (response is null)
            context.Response.StatusCode = StatusCodes.Status204NoContent;
        else
            await context.Response.WriteAsJsonAsync(response, AgentJson.Default.StateResponse, contentType: null, context.RequestAborted);
    }

    private static Task<StateResponse?> StartWaiting(HttpContext context, Subject subject, WaitForState wait)
    {
        // A retry after a broken database connection runs this a second time; the first run has read and cleared the query.
        if (context.Features.Get<WaitRequest>() is not { } request)
        {
            var query = context.Request.Query;
            request = new WaitRequest(new AgentId(query["agentId"].ToString()), Acknowledged(query),
                TimeSpan.FromSeconds(Math.Min(Number(query, "wait") ?? 0, 3600)), AgentSessions.Check(query["session"].ToString()));
            context.Features.Set(request);
            context.Request.Headers.Authorization = default;
            context.Request.Query = QueryCollection.Empty;
            context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget = "";
        }
        return wait.RunAsync(subject.AgentDeployment(), request.Agent, request.Acknowledged, request.Limit, context.RequestAborted);
    }

    /// <summary>The query of a request for the desired state.</summary>
    private sealed record WaitRequest(AgentId Agent, AcknowledgedState? Acknowledged, TimeSpan Limit, string? Session);

    private static async Task<IResult> ReportAsync(HttpRequest request, Subject subject, RecordReport record, AgentSessions sessions,
        CancellationToken cancellationToken)
    {
        var report = await request.ReadJsonAsync(AgentJson.Default.AgentReport, cancellationToken);
        var session = AgentSessions.Check(report.SessionId);
        var response = await record.RunAsync(subject, report, cancellationToken);
        sessions.Record(new AgentId(report.AgentId), session);
        return Results.Json(response, AgentJson.Default.StateResponse);
    }

    private static AcknowledgedState? Acknowledged(IQueryCollection query) =>
        (Number(query, "epoch"), Number(query, "revision"), Phase(query)) switch
    {
        ({ } epoch, { } revision, { } phase) => new AcknowledgedState(epoch, revision, phase),
        _ => null,
    };

    private static StatePhase? Phase(IQueryCollection query) => query["phase"].ToString() switch
    {
        "" => null,
        "PREPARE" => StatePhase.Prepare,
        "ACTIVATE" => StatePhase.Activate,
        var phase => throw ApiException.BadRequest($"'phase' is '{ApiException.Shorten(phase)}'; it must be PREPARE or ACTIVATE."),
    };

    private static long? Number(IQueryCollection query, string name)
    {
        var text = query[name].ToString();
        if (text.Length == 0)
            return null;
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw ApiException.BadRequest($"'{name}' must be a whole number, 0 or more.");
    }
}
