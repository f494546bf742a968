using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Updraft.Protocol;

namespace Updraft.Agent;

/// <summary>What an agent has acted on, or is acting on.</summary>
internal readonly record struct StateKey(long Epoch, long Revision, StatePhase Phase)
{
    public static StateKey Of(DesiredState state) => new(state.Epoch, state.Revision, state.Phase);
}

/// <summary>
/// Talks to the server about states: enrols, asks, reports. Believes only what <see cref="TrustedState"/> accepts; whatever
/// else comes (an error, HTML, an endless body, a redirect) is logged and asked for again, ever more slowly.
/// </summary>
internal sealed class StateClient(HttpClient http, AgentOptions options, TrustedState memory, AgentLog log, TimeProvider clock)
    : IDisposable
{
    /// <summary>Longest JSON that is read, in bytes.</summary>
    private const int MaxJson = SignedDocument.MaxLength;

    private const int WaitSeconds = 30;
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestRetry = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Stale = TimeSpan.FromHours(24);
    private readonly SemaphoreSlim _enrolling = new(1, 1);
    private long _lastHeard = clock.GetTimestamp();
    private volatile bool _introduced;
    private volatile RevisionTrace? _trace;

    /// <summary>Where in a trace a revision was made; none when nobody traced.</summary>
    public ActivityContext TraceOf(DesiredState state) =>
        _trace is { } trace && (trace.Epoch, trace.Revision) == (state.Epoch, state.Revision) ? trace.Context : default;

    /// <summary>Waits until the server wants something else than what was acted on.</summary>
    public async Task<DesiredState> ListenAsync(StateKey acted, CancellationToken cancellationToken)
    {
        while (true)
        {
            var started = clock.GetTimestamp();
            var state = await PersistAsync(token => AskAsync(acted, WaitSeconds, token), cancellationToken);
            if (state is not null && StateKey.Of(state) != acted)
                return state;
            // A server or proxy that answers "nothing new" without waiting must not be asked in a tight loop.
            if (clock.GetElapsedTime(started) < TimeSpan.FromSeconds(1))
                await Task.Delay(TimeSpan.FromSeconds(1), clock, cancellationToken);
        }
    }

    /// <summary>Asks once, without waiting for news.</summary>
    /// <returns>The state; null when nothing is to be done.</returns>
    public Task<DesiredState?> FetchNowAsync(StateKey acted, CancellationToken cancellationToken) =>
        PersistAsync(token => AskAsync(acted, 0, token), cancellationToken);

    /// <summary>Says how far the agent is, until the server has heard it.</summary>
    /// <returns>The state as of now.</returns>
    public async Task<DesiredState> ReportAsync(Func<string, AgentReport> report, CancellationToken cancellationToken) =>
        (await PersistAsync(token => TellAsync(report, token), cancellationToken))!;

    public void Dispose() => _enrolling.Dispose();

    private async Task<DesiredState?> AskAsync(StateKey acted, int wait, CancellationToken cancellationToken)
    {
        var phase = acted.Phase == StatePhase.Activate ? "ACTIVATE" : "PREPARE";
        var query = string.Create(CultureInfo.InvariantCulture,
            $"{AgentRoutes.State}?agentId={memory.Record.AgentId}&epoch={acted.Epoch}&revision={acted.Revision}&phase={phase}&wait={wait}");
        var answer = await SendAsync(HttpMethod.Get, query, null, AgentJson.Default.StateResponse,
            RequestTimeout + TimeSpan.FromSeconds(wait), cancellationToken);
        return answer is null ? null : Accept(answer);
    }

    private async Task<DesiredState?> TellAsync(Func<string, AgentReport> report, CancellationToken cancellationToken)
    {
        using var body = JsonContent.Create(report(memory.Record.AgentId!), AgentJson.Default.AgentReport);
        var answer = await SendAsync(HttpMethod.Post, AgentRoutes.Report, body, AgentJson.Default.StateResponse,
            RequestTimeout, cancellationToken);
        return Accept(answer ?? throw new InvalidDataException("The server answered a report with nothing."));
    }

    private DesiredState Accept(StateResponse answer)
    {
        var state = memory.Accept(answer.State);
        if (TraceParent.TryParse(answer.TraceParent, out var context))
            _trace = new(state.Epoch, state.Revision, context);
        return state;
    }

    /// <summary>Tries until the server gives an answer that can be believed.</summary>
    private async Task<DesiredState?> PersistAsync(Func<CancellationToken, Task<DesiredState?>> ask, CancellationToken cancellationToken)
    {
        var backOff = new BackOff(FirstRetry, LongestRetry, clock);
        while (true)
        {
            try
            {
                await EnrollAsync(cancellationToken);
                var state = await ask(cancellationToken);
                _lastHeard = clock.GetTimestamp();
                return state;
            }
            catch (InvalidDataException exception)
            {
                log.Error("state_refused", ("reason", exception.Message));
            }
            catch (Exception exception) when (IsTransient(exception, cancellationToken))
            {
                LogFailure(exception);
            }
            await backOff.WaitAsync(cancellationToken);
        }
    }

    private void LogFailure(Exception exception)
    {
        var silence = clock.GetElapsedTime(_lastHeard);
        if (silence > Stale)
            log.Error("stale", ("reason", exception.Message), ("silence", silence), ("consequence", "what is mounted stays"));
        else
            log.Warning("server_unavailable", ("reason", exception.Message), ("silence", silence));
    }

    /// <summary>Enrols once per run, and again when the server has forgotten the agent.</summary>
    private async Task EnrollAsync(CancellationToken cancellationToken)
    {
        if (_introduced)
            return;
        await _enrolling.WaitAsync(cancellationToken);
        try
        {
            if (_introduced)
                return;
            using var body = JsonContent.Create(new EnrollRequest
            {
                InstanceId = memory.Record.InstanceId,
                Host = options.Host,
                Component = options.Component,
                AgentVersion = AgentVersion.Text,
                ImageDriver = options.ImageDriver,
            }, AgentJson.Default.EnrollRequest);
            var answer = await SendAsync(HttpMethod.Post, AgentRoutes.Enroll, body, AgentJson.Default.EnrollResponse,
                RequestTimeout, cancellationToken);
            memory.Enroll(answer ?? throw new InvalidDataException("The server answered the enrolment with nothing."));
            _introduced = true;
            log.Information("enrolled", ("agentId", answer.AgentId), ("deploymentId", answer.DeploymentId),
                ("keyId", answer.SigningKey.KeyId));
        }
        catch (HttpRequestException exception)
            when (exception.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden && !memory.IsEnrolled)
        {
            throw new AgentExitException(ExitCode.Refused, $"The server refuses the token: {exception.Message}");
        }
        finally
        {
            _enrolling.Release();
        }
    }

    private async Task<T?> SendAsync<T>(HttpMethod method, string path, HttpContent? body, JsonTypeInfo<T> type, TimeSpan timeout,
        CancellationToken cancellationToken) where T : class
    {
        using var limit = new CancellationTokenSource(timeout, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            using var request = ServerRequest.Create(method, path, options);
            request.Content = body;
            using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            if (response.StatusCode == HttpStatusCode.NotFound)
                _introduced = false;
            if (response.StatusCode == HttpStatusCode.NoContent)
                return null;
            var bytes = await ServerRequest.ReadAsync(response, MaxJson, either.Token);
            return JsonSerializer.Deserialize(bytes, type) ?? throw new InvalidDataException($"The server answered {path} with null.");
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"The server's answer is not understood: {exception.Message}", exception);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"The server did not answer within {timeout.TotalSeconds:0} s.", exception);
        }
    }

    private sealed record RevisionTrace(long Epoch, long Revision, ActivityContext Context);

    /// <summary>Whether another attempt may help: the network, the server or a file with the token was away.</summary>
    public static bool IsTransient(Exception exception, CancellationToken cancellationToken) =>
        exception is HttpRequestException or TimeoutException or IOException or UnauthorizedAccessException
        || exception is OperationCanceledException && !cancellationToken.IsCancellationRequested;
}
