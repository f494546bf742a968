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

/// <summary>What agents ask and report.</summary>
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
        // Who waits looks up when the server stops. One registration for all: ten thousand wait.
        routes.ServiceProvider.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping
            .Register(routes.ServiceProvider.GetRequiredService<RevisionSignal>().AnnounceAll);
        // Not before somebody asks: it needs the keys, and commands that only look make none.
        var wait = new Lazy<WaitForState>(routes.ServiceProvider.GetRequiredService<WaitForState>);
        routes.MapGet(AgentRoutes.State, context => WaitAsync(context, wait.Value)).Requires(Permission.ActAsAgent);
        routes.MapPost(AgentRoutes.Report, ReportAsync).Requires(Permission.ActAsAgent);
    }

    // Agents wait by the thousand, so nothing is kept meanwhile that is needed no more: no scope of services, no query, no token.
    private static async Task WaitAsync(HttpContext context, WaitForState wait)
    {
        var (subject, credential) = (context.Features.GetRequiredFeature<Subject>(), context.Features.GetRequiredFeature<Credential>());
        var response = await StartWaiting(context, subject, wait);
        // It may have waited for minutes; a token that was deleted meanwhile opens nothing any more.
        if (response is not null && !await credential.IsStillValidAsync(context.RequestAborted))
            throw new ApiException(StatusCodes.Status401Unauthorized, "The token was deleted or has expired.");
        if (response is null)
            context.Response.StatusCode = StatusCodes.Status204NoContent;
        else
            await context.Response.WriteAsJsonAsync(response, AgentJson.Default.StateResponse, contentType: null, context.RequestAborted);
    }

    private static Task<StateResponse?> StartWaiting(HttpContext context, Subject subject, WaitForState wait)
    {
        // A second time after the connection to the database broke: then it was read before.
        if (context.Features.Get<Question>() is not { } question)
        {
            var query = context.Request.Query;
            question = new Question(new AgentId(query["agentId"].ToString()), Acted(query), TimeSpan.FromSeconds(Math.Min(Number(query, "wait") ?? 0, 3600)));
            context.Features.Set(question);
            context.Request.Headers.Authorization = default;
            context.Request.Query = QueryCollection.Empty;
            context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget = "";
        }
        return wait.RunAsync(subject.AgentDeployment(), question.Agent, question.Acted, question.Limit, context.RequestAborted);
    }

    /// <summary>What an agent asks.</summary>
    private sealed record Question(AgentId Agent, AcknowledgedState? Acted, TimeSpan Limit);

    private static async Task<IResult> ReportAsync(HttpRequest request, Subject subject, RecordReport record,
        CancellationToken cancellationToken)
    {
        var report = await request.ReadJsonAsync(AgentJson.Default.AgentReport, cancellationToken);
        return Results.Json(await record.RunAsync(subject, report, cancellationToken), AgentJson.Default.StateResponse);
    }

    private static AcknowledgedState? Acted(IQueryCollection query) => (Number(query, "epoch"), Number(query, "revision"), Phase(query)) switch
    {
        ({ } epoch, { } revision, { } phase) => new AcknowledgedState(epoch, revision, phase),
        _ => null,
    };

    private static StatePhase? Phase(IQueryCollection query) => query["phase"].ToString() switch
    {
        "" => null,
        "PREPARE" => StatePhase.Prepare,
        "ACTIVATE" => StatePhase.Activate,
        _ => throw ApiException.BadRequest("'phase' must be PREPARE or ACTIVATE."),
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
