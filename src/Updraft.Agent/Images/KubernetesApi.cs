using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Updraft.Agent.Images;

/// <param name="Name">Name for users, such as <c>Deployment</c>.</param>
/// <param name="Resource">Name in URLs, such as <c>deployments</c>.</param>
internal sealed record WorkloadKind(string Name, string Resource)
{
    public static readonly WorkloadKind Deployment = new("Deployment", "deployments");
    public static readonly WorkloadKind StatefulSet = new("StatefulSet", "statefulsets");
}

/// <summary>Workloads of a kind and a selector.</summary>
/// <param name="Version">Resource version of the list, from which a watch can continue.</param>
/// <param name="Items">All workloads.</param>
internal sealed record WorkloadList(string Version, IReadOnlyList<Workload> Items);

/// <param name="Type">ADDED, MODIFIED, DELETED, or BOOKMARK for a newer resource version without a change.</param>
/// <param name="Workload">The workload after the change.</param>
internal sealed record WorkloadChange(string Type, Workload Workload);

/// <summary>
/// The requests to the Kubernetes API that the driver needs, in one namespace. If the cluster does not respond or is busy, a request is
/// retried until it is canceled.
/// </summary>
/// <param name="connection">Connection to the API server.</param>
/// <param name="namespaceName">Namespace of all requests.</param>
/// <param name="onRetry">Receives the reason of a retry, once for consecutive retries with the same reason.</param>
/// <param name="clock">Clock for time limits and pauses.</param>
internal sealed class KubernetesApi(KubernetesConnection connection, string namespaceName, Action<string> onRetry, TimeProvider clock)
    : IDisposable
{
    private const int MaxResponse = 32 * 1024 * 1024, MaxReason = 500, MaxTokenRejections = 5;

    /// <summary>Duration of a watch on the server, and the time after which the agent cancels a silent one.</summary>
    private static readonly TimeSpan WatchDuration = TimeSpan.FromSeconds(120), WatchTimeout = TimeSpan.FromSeconds(150),
        ResponseTimeout = TimeSpan.FromSeconds(30);

    private readonly HttpClient _http = connection.Connect();
    private string? _lastReason;

    public string Namespace => namespaceName;

    public void Dispose() => _http.Dispose();

    public async Task<WorkloadList> ListAsync(WorkloadKind kind, string selector, CancellationToken cancellationToken)
    {
        var list = (await SendAsync("list", kind.Resource, HttpMethod.Get,
            $"{Apps(kind)}?labelSelector={Uri.EscapeDataString(selector)}", null, cancellationToken))!.Value;
        var workloads = new List<Workload>();
        foreach (var item in list.Items("items"))
            workloads.Add(new Workload(kind, item));
        return new WorkloadList(list.Text("metadata", "resourceVersion") ?? "", workloads);
    }

    /// <returns>Null if there is no workload of this name.</returns>
    public async Task<Workload?> GetAsync(WorkloadKind kind, string name, CancellationToken cancellationToken) =>
        await SendAsync("get", kind.Resource, HttpMethod.Get, $"{Apps(kind)}/{name}", null, cancellationToken,
            HttpStatusCode.NotFound) is { } found ? new Workload(kind, found) : null;

    /// <summary>
    /// Applies a strategic merge patch, which merges containers by name. The patch can name the version that it expects.
    /// </summary>
    /// <returns>The changed workload; null if it has another version, or if it does not exist.</returns>
    public async Task<Workload?> PatchAsync(WorkloadKind kind, string name, string patch, CancellationToken cancellationToken) =>
        await SendAsync("patch", kind.Resource, HttpMethod.Patch, $"{Apps(kind)}/{name}?fieldManager=updraft-agent", patch,
            cancellationToken, HttpStatusCode.Conflict, HttpStatusCode.NotFound) is { } now ? new Workload(kind, now) : null;

    public async Task<IReadOnlyList<PodState>> ListPodsAsync(string selector, CancellationToken cancellationToken)
    {
        var pods = new List<PodState>();
        foreach (var pod in (await SendAsync("list", "pods", HttpMethod.Get,
            $"{Core}/pods?labelSelector={Uri.EscapeDataString(selector)}", null, cancellationToken))!.Value.Items("items"))
            pods.Add(PodState.Read(pod));
        return pods;
    }

    /// <summary>Lists warning events of pods, at most 1,000.</summary>
    public async Task<IReadOnlyList<PodWarning>> ListWarningsAsync(CancellationToken cancellationToken)
    {
        var warnings = new List<PodWarning>();
        foreach (var warning in (await SendAsync("list", "events", HttpMethod.Get,
            $"{Core}/events?fieldSelector=involvedObject.kind%3DPod%2Ctype%3DWarning&limit=1000", null,
            cancellationToken))!.Value.Items("items"))
            warnings.Add(new PodWarning(warning.Text("involvedObject", "uid"), warning.Text("reason"), warning.Text("message")));
        return warnings;
    }

    /// <summary>Deletes a pod. A missing pod is not an error.</summary>
    public Task DeletePodAsync(string name, CancellationToken cancellationToken) =>
        SendAsync("delete", "pods", HttpMethod.Delete, $"{Core}/pods/{name}", null, cancellationToken, HttpStatusCode.NotFound);

    /// <summary>Returns the changes after a resource version until the server ends the watch. The method does not retry.</summary>
    /// <exception cref="KubernetesException">
    /// The cluster rejected the watch. With <see cref="HttpStatusCode.Gone"/> the version is too old, and the caller must list again.
    /// </exception>
    public async IAsyncEnumerable<WorkloadChange> WatchAsync(WorkloadKind kind, string selector, string version,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(WatchTimeout, clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        using var request = Request(HttpMethod.Get, $"{Apps(kind)}?labelSelector={Uri.EscapeDataString(selector)}&watch=true"
            + $"&allowWatchBookmarks=true&timeoutSeconds={(int)WatchDuration.TotalSeconds}"
            + $"&resourceVersion={Uri.EscapeDataString(version)}", null);
        using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, both.Token);
        if (!response.IsSuccessStatusCode)
            throw Failure("watch", kind.Resource, response.StatusCode, await ReasonAsync(response, both.Token));
        await using var body = await response.Content.ReadAsStreamAsync(both.Token);
        using var lines = new StreamReader(body);
        while (await lines.ReadLineAsync(both.Token) is { } line)
        {
            var (change, content) = (JsonElement.Parse(line), default(JsonElement));
            content = change.At("object") ?? throw new JsonException("The cluster sent a change without an object.");
            if (change.Text("type") == "ERROR")
                throw Failure("watch", kind.Resource, (HttpStatusCode)(content.Number("code") ?? 500), Reason(content));
            yield return new WorkloadChange(change.Text("type") ?? "", new Workload(kind, content));
        }
    }

    /// <summary>Whether a retry can succeed, because the cluster has not decided about the request.</summary>
    public static bool IsTransient(Exception exception) => exception is HttpRequestException or IOException
            or UnauthorizedAccessException or JsonException or OperationCanceledException
        || exception is KubernetesException { Status: { } status } && IsTransient(status);

    private static bool IsTransient(HttpStatusCode status) =>
        status is HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout || (int)status >= 500;

    private string Apps(WorkloadKind kind) => $"apis/apps/v1/namespaces/{namespaceName}/{kind.Resource}";

    private string Core => $"api/v1/namespaces/{namespaceName}";

    /// <returns>Null for one of the statuses in <paramref name="nullStatuses"/>.</returns>
    private async Task<JsonElement?> SendAsync(string verb, string resource, HttpMethod method, string path, string? patch,
        CancellationToken cancellationToken, params HttpStatusCode[] nullStatuses)
    {
        var backOff = new BackOff(TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(10), clock);
        while (true)
        {
            try
            {
                using var limit = new CancellationTokenSource(ResponseTimeout, clock);
                using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
                using var request = Request(method, path, patch);
                using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, both.Token);
                if (nullStatuses.Contains(response.StatusCode))
                    return null;
                if (!response.IsSuccessStatusCode)
                    throw Failure(verb, resource, response.StatusCode, await ReasonAsync(response, both.Token));
                return await ReadAsync(response, both.Token);
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested && (IsTransient(exception)
                || exception is KubernetesException { Status: HttpStatusCode.Unauthorized } && backOff.Failures < MaxTokenRejections))
            {
                ReportRetry(exception is OperationCanceledException
                    ? $"The cluster did not respond within {ResponseTimeout.TotalSeconds:0} seconds."
                    : ErrorReason.Of(exception));
            }
            await backOff.WaitAsync(cancellationToken);
        }
    }

    private void ReportRetry(string reason)
    {
        if (reason != _lastReason)
            onRetry($"A request to the cluster failed; retrying. Reason: {reason}");
        _lastReason = reason;
    }

    private HttpRequestMessage Request(HttpMethod method, string path, string? patch)
    {
        var request = new HttpRequestMessage(method, new Uri(connection.Server, path));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", connection.Token());
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("application/json"));
        request.Headers.UserAgent.Add(new ProductInfoHeaderValue("updraft-agent", AgentVersion.Text));
        if (patch is not null)
        {
            request.Content = new StringContent(patch, new MediaTypeHeaderValue("application/strategic-merge-patch+json"));
        }
        return request;
    }

    private KubernetesException Failure(string verb, string resource, HttpStatusCode status, string reason)
    {
        var group = WorkloadKind.Deployment.Resource == resource || WorkloadKind.StatefulSet.Resource == resource ? "apps" : "";
        return new KubernetesException(status, status switch
        {
            HttpStatusCode.Forbidden => $"The cluster does not allow the agent to {verb} {resource} in the namespace {namespaceName}. "
                + "If the permission is missing, add it to the Role of the agent's service account: "
                + $"apiGroups [\"{group}\"], resources [\"{resource}\"], verbs [\"{verb}\"].{reason}",
            HttpStatusCode.Unauthorized => "The cluster does not accept the token of the agent's service account. "
                + $"Check that the service account of the agent's pod exists.{reason}",
            _ => $"The cluster responded with status {(int)status} to {verb} {resource} in the namespace {namespaceName}.{reason}",
        });
    }

    private static async Task<JsonElement> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        await response.Content.LoadIntoBufferAsync(MaxResponse, cancellationToken);
        return JsonElement.Parse(await response.Content.ReadAsByteArrayAsync(cancellationToken));
    }

    private static async Task<string> ReasonAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            return Reason(await ReadAsync(response, cancellationToken));
        }
        catch (Exception exception) when (exception is JsonException or HttpRequestException or IOException)
        {
            return "";
        }
    }

    private static string Reason(JsonElement status) =>
        status.Text("message") is { Length: > 0 } message
            ? $" Message of the cluster: {message[..Math.Min(message.Length, MaxReason)]}"
            : "";
}
