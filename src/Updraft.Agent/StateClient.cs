using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Updraft.Protocol;

namespace Updraft.Agent;

/// <summary>Identity of a state: a revision and the phase to reach.</summary>
internal readonly record struct StateKey(long Epoch, long Revision, StatePhase Phase)
{
    public static StateKey Of(DesiredState state) => new(state.Epoch, state.Revision, state.Phase);
}

/// <summary>
/// Exchanges states with the server: it enrolls, requests states and sends reports. It returns only states that <see cref="TrustedState"/>
/// accepts. After any other response, such as an error, HTML, an endless body or a redirect, it logs the reason and retries with growing
/// pauses.
/// </summary>
internal sealed class StateClient(HttpClient http, AgentOptions options, TrustedState trustedState, AgentLog log, TimeProvider clock)
    : IDisposable
{
    /// <summary>Longest response body, in bytes.</summary>
    private const int MaxJson = SignedDocument.MaxLength;

    /// <summary>Longest wait of a long poll, in seconds. It becomes shorter if a proxy ends long polls earlier.</summary>
    private const int WaitSeconds = 30;

    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan FirstRetry = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestRetry = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan StaleAfter = TimeSpan.FromHours(24);
    /// <summary>Id of this run of the agent. Two runs that report in turns with one agent id are copies of one root.</summary>
    private readonly string _session = EntityId.New(clock);

    private readonly SemaphoreSlim _enrolling = new(1, 1);
    private long _lastResponse = clock.GetTimestamp();
    private int _waitSeconds = WaitSeconds;
    private volatile bool _isEnrolled;
    private volatile RevisionTrace? _trace;

    /// <summary>Reason of the newest failed request; null if the newest request succeeded.</summary>
    public string? LastProblem { get; private set; }

    /// <summary>Trace of the request that created a revision; the default value without a trace.</summary>
    public ActivityContext TraceOf(DesiredState state) =>
        _trace is { } trace && (trace.Epoch, trace.Revision) == (state.Epoch, state.Revision) ? trace.Context : default;

    /// <summary>Waits until the desired state differs from the reached one.</summary>
    private async Task<DesiredState> WatchAsync(StateKey reached, CancellationToken cancellationToken)
    {
        while (true)
        {
            var started = clock.GetTimestamp();
            var state = await RetryAsync(token => PollAsync(reached, token), cancellationToken);
            if (state is not null && StateKey.Of(state) != reached)
                return state;
            // A server or proxy that responds at once without a new state must not cause a tight loop.
            if (clock.GetElapsedTime(started) < TimeSpan.FromSeconds(1))
                await Task.Delay(TimeSpan.FromSeconds(1), clock, cancellationToken);
        }
    }

    /// <summary>Runs some work until it returns the next state, or until the server sends a newer one.</summary>
    /// <param name="work">The work. A newer state cancels it.</param>
    /// <param name="reached">State in the watch request. The server responds when the desired state differs from it.</param>
    /// <param name="watchAfter">Delay before the watch, because most work takes less time.</param>
    public async Task<DesiredState> RunUntilSupersededAsync(Func<CancellationToken, Task<DesiredState>> work, StateKey reached,
        TimeSpan watchAfter, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var working = Task.Run(() => work(stop.Token), stop.Token);
        var watching = WatchLaterAsync();
        try
        {
            return await await Task.WhenAny(working, watching);
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll((Task)working, watching).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        async Task<DesiredState> WatchLaterAsync()
        {
            await Task.Delay(watchAfter, clock, stop.Token);
            return await WatchAsync(reached, stop.Token);
        }
    }

    /// <summary>Requests the desired state without a wait.</summary>
    /// <returns>The desired state; null if it equals the reached one.</returns>
    public Task<DesiredState?> FetchNowAsync(StateKey reached, CancellationToken cancellationToken) =>
        RetryAsync(token => GetStateAsync(reached, 0, token), cancellationToken);

    /// <summary>Sends a report, and retries until the server accepts it.</summary>
    /// <returns>The current desired state.</returns>
    public async Task<DesiredState> ReportAsync(Func<string, AgentReport> report, CancellationToken cancellationToken) =>
        (await RetryAsync(token => SendReportAsync(report, token), cancellationToken))!;

    public void Dispose() => _enrolling.Dispose();

    private async Task<DesiredState?> PollAsync(StateKey reached, CancellationToken cancellationToken)
    {
        var started = clock.GetTimestamp();
        try
        {
            return await GetStateAsync(reached, _waitSeconds, cancellationToken);
        }
        catch (HttpRequestException exception) when (exception.StatusCode == HttpStatusCode.GatewayTimeout
            && clock.GetElapsedTime(started) is { TotalSeconds: >= 1 and < WaitSeconds })
        {
            // A proxy has a shorter time limit than the poll. A pause as after a failure would delay the next deploy.
            _waitSeconds = Math.Max(1, (int)clock.GetElapsedTime(started).TotalSeconds - 1);
            log.Information("poll_shortened", ("seconds", _waitSeconds));
            return null;
        }
    }

    private async Task<DesiredState?> GetStateAsync(StateKey reached, int wait, CancellationToken cancellationToken)
    {
        var phase = reached.Phase == StatePhase.Activate ? "ACTIVATE" : "PREPARE";
        var query = string.Create(CultureInfo.InvariantCulture,
            $"{AgentRoutes.State}?agentId={trustedState.Record.AgentId}&epoch={reached.Epoch}&revision={reached.Revision}"
            + $"&phase={phase}&wait={wait}&session={_session}");
        var response = await SendAsync(HttpMethod.Get, query, null, AgentJson.Default.StateResponse,
            RequestTimeout + TimeSpan.FromSeconds(wait), cancellationToken);
        return response is null ? null : Accept(response);
    }

    private async Task<DesiredState?> SendReportAsync(Func<string, AgentReport> report, CancellationToken cancellationToken)
    {
        var content = report(trustedState.Record.AgentId!) with { SessionId = _session };
        using var body = JsonContent.Create(content, AgentJson.Default.AgentReport);
        var response = await SendAsync(HttpMethod.Post, AgentRoutes.Report, body, AgentJson.Default.StateResponse,
            RequestTimeout, cancellationToken);
        return Accept(response ?? throw new InvalidDataException("The server responded to a report without a state."));
    }

    private DesiredState Accept(StateResponse response)
    {
        var state = trustedState.Accept(response.State);
        if (TraceParent.TryParse(response.TraceParent, out var context))
            _trace = new(state.Epoch, state.Revision, context);
        return state;
    }

    /// <summary>Enrolls if necessary and sends a request, and retries until the response is valid.</summary>
    private async Task<DesiredState?> RetryAsync(Func<CancellationToken, Task<DesiredState?>> request, CancellationToken cancellationToken)
    {
        var backOff = new BackOff(FirstRetry, LongestRetry, clock);
        while (true)
        {
            try
            {
                await EnrollAsync(cancellationToken);
                var state = await request(cancellationToken);
                (_lastResponse, LastProblem) = (clock.GetTimestamp(), null);
                return state;
            }
            catch (InvalidDataException exception)
            {
                LastProblem = ErrorReason.Of(exception);
                log.Error("state_rejected", ("reason", LastProblem));
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
        var silence = clock.GetElapsedTime(_lastResponse);
        LastProblem = ErrorReason.Of(exception);
        if (silence > StaleAfter)
            log.Error("state_stale", ("reason", LastProblem), ("silence", silence),
                ("consequence", "The mounted files stay. The agent retries."));
        else if (exception is TokenFileException)
            log.Error("token_unreadable", ("reason", LastProblem), ("silence", silence));
        else
            log.Warning("server_unavailable", ("reason", LastProblem), ("silence", silence));
    }

    /// <summary>Enrolls once per run, and again after the server has removed the agent.</summary>
    /// <exception cref="AgentExitException">
    /// 69: the server rejects the token, and the root was never enrolled or the agent runs once.
    /// </exception>
    private async Task EnrollAsync(CancellationToken cancellationToken)
    {
        if (_isEnrolled)
            return;
        await _enrolling.WaitAsync(cancellationToken);
        try
        {
            if (_isEnrolled)
                return;
            using var body = JsonContent.Create(new EnrollRequest
            {
                InstanceId = trustedState.Record.InstanceId,
                Host = options.Host,
                Component = options.Component,
                AgentVersion = AgentVersion.Text,
                ImageDriver = options.ImageDriver,
                SessionId = _session,
            }, AgentJson.Default.EnrollRequest);
            var response = await SendAsync(HttpMethod.Post, AgentRoutes.Enroll, body, AgentJson.Default.EnrollResponse,
                RequestTimeout, cancellationToken);
            trustedState.Enroll(response ?? throw new InvalidDataException("The server responded to the enrollment without a body."));
            _isEnrolled = true;
            log.Information("agent_enrolled", ("agentId", response.AgentId), ("deploymentId", response.DeploymentId),
                ("keyId", response.SigningKey.KeyId));
        }
        catch (HttpRequestException exception)
            when (exception.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden
                && (!trustedState.IsEnrolled || options.Once))
        {
            throw new AgentExitException(ExitCode.Refused, $"The server rejects the agent token: {exception.Message} "
                + "Create an agent token for the Deployment, and start the agent with it.");
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
                _isEnrolled = false;
            if (response.StatusCode == HttpStatusCode.NoContent)
                return null;
            var bytes = await ServerRequest.ReadAsync(response, MaxJson, either.Token);
            return JsonSerializer.Deserialize(bytes, type)
                ?? throw new InvalidDataException($"The server's response to {path} is null. It must be a JSON object.");
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException($"The server's response is not valid JSON for this request: {exception.Message}", exception);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"The server did not respond within {timeout.TotalSeconds:0} s.", exception);
        }
    }

    private sealed record RevisionTrace(long Epoch, long Revision, ActivityContext Context);

    /// <summary>Whether a retry can succeed: the network, the server or the token file was not available.</summary>
    public static bool IsTransient(Exception exception, CancellationToken cancellationToken) =>
        exception is HttpRequestException or TimeoutException or IOException or UnauthorizedAccessException
        || exception is OperationCanceledException && !cancellationToken.IsCancellationRequested;
}
