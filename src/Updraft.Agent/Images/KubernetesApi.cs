using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text.Json;

namespace Updraft.Agent.Images;

/// <summary>A kind of workload.</summary>
/// <param name="Name">As people write it.</param>
/// <param name="Resource">As addresses have it.</param>
internal sealed record WorkloadKind(string Name, string Resource)
{
    public static readonly WorkloadKind Deployment = new("Deployment", "deployments");
    public static readonly WorkloadKind StatefulSet = new("StatefulSet", "statefulsets");
}

/// <summary>All workloads of a kind and a selector, and the version of the cluster in which they were these.</summary>
internal sealed record WorkloadList(string Version, IReadOnlyList<Workload> Items);

/// <summary>What happened to a workload: ADDED, MODIFIED, DELETED; BOOKMARK for a version without any change.</summary>
internal sealed record WorkloadChange(string Type, Workload Workload);

/// <summary>
/// The few requests of the Kubernetes API that the driver needs, in one namespace. While the cluster does not answer, or is busy,
/// a request is repeated until it is cancelled.
/// </summary>
/// <param name="waiting">Told, once for each reason, why a request is repeated.</param>
internal sealed class KubernetesApi(KubernetesConnection connection, string space, Action<string> waiting, TimeProvider clock) : IDisposable
{
    private const int MaxAnswer = 32 * 1024 * 1024, MaxReason = 500, MaxRefusedTokens = 5;

    /// <summary>How long the server keeps a watch, and how long the agent believes in one from which nothing comes.</summary>
    private static readonly TimeSpan WatchFor = TimeSpan.FromSeconds(120), WatchAtMost = TimeSpan.FromSeconds(150),
        AnswerWithin = TimeSpan.FromSeconds(30);

    private readonly HttpClient _http = connection.Connect();
    private string? _waitingFor;

    /// <summary>The namespace.</summary>
    public string Space => space;

    public void Dispose() => _http.Dispose();

    public async Task<WorkloadList> ListAsync(WorkloadKind kind, string selector, CancellationToken cancellationToken)
    {
        var list = (await SendAsync("list", kind.Resource, HttpMethod.Get, $"{Apps(kind)}?labelSelector={Uri.EscapeDataString(selector)}", null,
            cancellationToken))!.Value;
        var workloads = new List<Workload>();
        foreach (var item in list.Items("items"))
            workloads.Add(new Workload(kind, item));
        return new WorkloadList(list.Text("metadata", "resourceVersion") ?? "", workloads);
    }

    /// <returns>Null when there is none of this name.</returns>
    public async Task<Workload?> GetAsync(WorkloadKind kind, string name, CancellationToken cancellationToken) =>
        await SendAsync("get", kind.Resource, HttpMethod.Get, $"{Apps(kind)}/{name}", null, cancellationToken, HttpStatusCode.NotFound) is { } found
            ? new Workload(kind, found) : null;

    /// <summary>Changes what a workload says, lists of containers by name. It has to be still of the version that the patch names.</summary>
    /// <returns>What it is now; null when it was changed meanwhile, or is gone.</returns>
    public async Task<Workload?> PatchAsync(WorkloadKind kind, string name, string patch, CancellationToken cancellationToken) =>
        await SendAsync("patch", kind.Resource, HttpMethod.Patch, $"{Apps(kind)}/{name}?fieldManager=updraft-agent", patch, cancellationToken,
            HttpStatusCode.Conflict, HttpStatusCode.NotFound) is { } now ? new Workload(kind, now) : null;

    public async Task<IReadOnlyList<PodState>> ListPodsAsync(string selector, CancellationToken cancellationToken)
    {
        var pods = new List<PodState>();
        foreach (var pod in (await SendAsync("list", "pods", HttpMethod.Get, $"{Core}/pods?labelSelector={Uri.EscapeDataString(selector)}", null,
            cancellationToken))!.Value.Items("items"))
            pods.Add(PodState.Read(pod));
        return pods;
    }

    /// <summary>Warnings about pods; a full namespace has more, of which the first thousand have to do.</summary>
    public async Task<IReadOnlyList<PodWarning>> ListWarningsAsync(CancellationToken cancellationToken)
    {
        var warnings = new List<PodWarning>();
        foreach (var warning in (await SendAsync("list", "events", HttpMethod.Get,
            $"{Core}/events?fieldSelector=involvedObject.kind%3DPod%2Ctype%3DWarning&limit=1000", null, cancellationToken))!.Value.Items("items"))
            warnings.Add(new PodWarning(warning.Text("involvedObject", "uid"), warning.Text("reason"), warning.Text("message")));
        return warnings;
    }

    /// <summary>Deletes a pod, if it is there.</summary>
    public Task DeletePodAsync(string name, CancellationToken cancellationToken) =>
        SendAsync("delete", "pods", HttpMethod.Delete, $"{Core}/pods/{name}", null, cancellationToken, HttpStatusCode.NotFound);

    /// <summary>Tells what changes after a version, until the server ends it. Nothing is repeated here.</summary>
    /// <exception cref="KubernetesException">Among others <see cref="HttpStatusCode.Gone"/>: the version is too old, list again.</exception>
    public async IAsyncEnumerable<WorkloadChange> WatchAsync(WorkloadKind kind, string selector, string version,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(WatchAtMost, clock);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        using var request = Request(HttpMethod.Get, $"{Apps(kind)}?labelSelector={Uri.EscapeDataString(selector)}&watch=true"
            + $"&allowWatchBookmarks=true&timeoutSeconds={(int)WatchFor.TotalSeconds}&resourceVersion={Uri.EscapeDataString(version)}", null);
        using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, both.Token);
        if (!response.IsSuccessStatusCode)
            throw Refused("watch", kind.Resource, response.StatusCode, await ReasonAsync(response, both.Token));
        await using var body = await response.Content.ReadAsStreamAsync(both.Token);
        using var lines = new StreamReader(body);
        while (await lines.ReadLineAsync(both.Token) is { } line)
        {
            var (change, content) = (JsonElement.Parse(line), default(JsonElement));
            content = change.At("object") ?? throw new JsonException("A change without an object.");
            if (change.Text("type") == "ERROR")
                throw Refused("watch", kind.Resource, (HttpStatusCode)(content.Number("code") ?? 500), Reason(content));
            yield return new WorkloadChange(change.Text("type") ?? "", new Workload(kind, content));
        }
    }

    /// <summary>Whether it pays to ask again: nothing was decided.</summary>
    public static bool IsTransient(Exception exception) => exception is HttpRequestException or IOException
            or UnauthorizedAccessException or JsonException or OperationCanceledException
        || exception is KubernetesException { Status: { } status } && IsTransient(status);

    private static bool IsTransient(HttpStatusCode status) =>
        status is HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout || (int)status >= 500;

    private string Apps(WorkloadKind kind) => $"apis/apps/v1/namespaces/{space}/{kind.Resource}";

    private string Core => $"api/v1/namespaces/{space}";

    /// <returns>Null for one of the statuses in <paramref name="none"/>.</returns>
    private async Task<JsonElement?> SendAsync(string verb, string resource, HttpMethod method, string path, string? patch,
        CancellationToken cancellationToken, params HttpStatusCode[] none)
    {
        var backOff = new BackOff(TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(10), clock);
        while (true)
        {
            try
            {
                using var limit = new CancellationTokenSource(AnswerWithin, clock);
                using var both = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
                using var request = Request(method, path, patch);
                using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, both.Token);
                if (none.Contains(response.StatusCode))
                    return null;
                if (!response.IsSuccessStatusCode)
                    throw Refused(verb, resource, response.StatusCode, await ReasonAsync(response, both.Token));
                return await ReadAsync(response, both.Token);
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested && (IsTransient(exception)
                || exception is KubernetesException { Status: HttpStatusCode.Unauthorized } && backOff.Failures < MaxRefusedTokens))
            {
                Say(exception is OperationCanceledException ? $"No answer within {AnswerWithin.TotalSeconds:0} seconds." : exception.Message);
            }
            await backOff.WaitAsync(cancellationToken);
        }
    }

    private void Say(string reason)
    {
        if (reason != _waitingFor)
            waiting($"The cluster does not answer as it should, and is asked again: {reason}");
        _waitingFor = reason;
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

    private KubernetesException Refused(string verb, string resource, HttpStatusCode status, string reason)
    {
        var group = WorkloadKind.Deployment.Resource == resource || WorkloadKind.StatefulSet.Resource == resource ? "apps" : "";
        return new KubernetesException(status, status switch
        {
            HttpStatusCode.Forbidden => $"The cluster does not let the agent {verb} {resource} in the namespace {space}. If it lacks the right, add "
                + $"to the Role of its service account: apiGroups [\"{group}\"], resources [\"{resource}\"], verbs [\"{verb}\"].{reason}",
            HttpStatusCode.Unauthorized => $"The cluster does not accept the token of the agent's service account.{reason}",
            _ => $"The cluster answers {(int)status} to {verb} {resource} in the namespace {space}.{reason}",
        });
    }

    private static async Task<JsonElement> ReadAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        await response.Content.LoadIntoBufferAsync(MaxAnswer, cancellationToken);
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
        status.Text("message") is { Length: > 0 } message ? $" It says: {message[..Math.Min(message.Length, MaxReason)]}" : "";
}
