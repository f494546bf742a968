using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Updraft.Protocol;

namespace Updraft.Agent.Tests.Support;

/// <summary>A received request.</summary>
internal sealed record SeenRequest(string Method, string Path, string? Range, string? Authorization);

/// <summary>
/// A stand-in for the server with the agent API over HTTP, and with real signatures and packs. It has one Deployment, and it responds with
/// ACTIVATE when an agent is prepared. Tests can change its responses.
/// </summary>
internal sealed class StandInServer : IAsyncDisposable
{
    public const string Token = "stand-in-token-for-agents";
    private readonly Lock _gate = new();
    private readonly WebApplication _app;
    private readonly Dictionary<string, string> _agents = new(StringComparer.Ordinal);
    private readonly Dictionary<Digest, Manifest> _manifests = [];
    private readonly Dictionary<Digest, PackLocation> _locations = [];
    private readonly HashSet<(long Epoch, long Revision)> _prepared = [];
    private readonly List<AgentReport> _reports = [];
    private ImageReference? _image;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private StandInServer(WebApplication app) => _app = app;

    public Uri Address { get; private set; } = null!;

    public ECDsa Key { get; set; } = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public string OrganizationId { get; } = EntityId.New(TimeProvider.System);

    public string DeploymentId { get; set; } = EntityId.New(TimeProvider.System);

    public long Epoch { get; set; } = 1;

    public long Revision { get; set; }

    public IReadOnlyList<DesiredMount> Mounts { get; private set; } = [];

    /// <summary>Image of the next revisions; null for none.</summary>
    public ImageReference? Image { get; set; }

    /// <summary>Enrollment requests so far.</summary>
    public ConcurrentQueue<EnrollRequest> Enrolments { get; } = [];

    public TimeSpan Lifetime { get; set; } = TimeSpan.FromHours(24);

    /// <summary>Bytes of each pack. Tests can damage them.</summary>
    public Dictionary<string, byte[]> Packs { get; } = new(StringComparer.Ordinal);

    /// <summary>Called before each request. If it returns true, it has sent the response.</summary>
    public Func<HttpContext, Task<bool>>? Intercept { get; set; }

    public Func<DesiredState, DesiredState> AlterState { get; set; } = state => state;

    public Func<string, string> AlterDocument { get; set; } = document => document;

    public ConcurrentQueue<SeenRequest> Requests { get; } = [];

    public IReadOnlyList<SeenRequest> PackRequests =>
        [.. Requests.Where(request => request.Path.StartsWith(AgentRoutes.Packs, StringComparison.Ordinal))];

    public IReadOnlyList<AgentReport> Reports
    {
        get
        {
            lock (_gate)
                return [.. _reports];
        }
    }

    public static async Task<StandInServer> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var server = new StandInServer(app);
        app.Run(server.HandleAsync);
        await app.StartAsync();
        server.Address = new Uri(app.Urls.Single());
        return server;
    }

    /// <summary>Stores the manifest of a tree, and a pack with its new contents.</summary>
    public Manifest Store(Tree tree)
    {
        lock (_gate)
        {
            var manifest = tree.ToManifest();
            using var bytes = new MemoryStream();
            using var pack = new PackWriter(bytes);
            var id = EntityId.New(TimeProvider.System);
            foreach (var content in tree.Files.Values.Select(file => file.Content))
            {
                var digest = Digest.Of(content);
                if (_locations.ContainsKey(digest))
                    continue;
                var entry = pack.Add(content, digest);
                _locations.Add(digest, new PackLocation(id, entry.Offset, entry.Length));
            }
            pack.Complete();
            Packs[id] = bytes.ToArray();
            _manifests[manifest.Digest] = manifest;
            return manifest;
        }
    }

    /// <summary>Stores a manifest. Its contents must be in a pack already.</summary>
    public Manifest Store(Manifest manifest)
    {
        lock (_gate)
            return _manifests[manifest.Digest] = manifest;
    }

    /// <summary>Creates the next revision.</summary>
    public long Deploy(params (string Path, Tree Tree)[] mounts) => Deploy([.. mounts.Select(mount => Mount(mount.Path, mount.Tree))]);

    public DesiredMount Mount(string path, Tree tree, string? subfolder = null)
    {
        var manifest = Store(tree);
        return new DesiredMount
        {
            Path = path,
            Version = "2026-01-01T00:00:00.0000000Z",
            Manifest = manifest.Digest.ToString(),
            Subfolder = subfolder,
            Files = manifest.FileCount,
            Bytes = manifest.TotalBytes,
        };
    }

    public long Deploy(IReadOnlyList<DesiredMount> mounts)
    {
        lock (_gate)
        {
            (Mounts, _image, Revision) = (mounts, Image, Revision + 1);
            Signal();
            return Revision;
        }
    }

    /// <summary>Notifies all long polls after a test has changed the state.</summary>
    public void Signal()
    {
        lock (_gate)
        {
            _changed.TrySetResult();
            _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    /// <summary>Waits for a report that matches a condition. Earlier reports count too.</summary>
    public async Task<AgentReport> WaitForReportAsync(Func<AgentReport, bool> wanted)
    {
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                if (_reports.FirstOrDefault(wanted) is { } report)
                    return report;
                changed = _changed.Task;
            }
            await changed.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        }
    }

    public Task<AgentReport> WaitForActiveAsync(long revision) =>
        WaitForReportAsync(report => report.Phase == AgentPhase.Active && report.Revision == revision);

    public Task<AgentReport> WaitForFailureAsync(long revision) =>
        WaitForReportAsync(report => report.Phase == AgentPhase.Failed && report.Revision == revision);

    /// <summary>Finds the pack and the location of a content.</summary>
    public (byte[] Pack, PackLocation Place) Find(string content)
    {
        var place = _locations[Digest.Of(Encoding.UTF8.GetBytes(content))];
        return (Packs[place.PackId], place);
    }

    public async ValueTask DisposeAsync()
    {
        using var stop = new CancellationTokenSource(TimeSpan.Zero);
        await _app.StopAsync(stop.Token);
        await _app.DisposeAsync();
        Key.Dispose();
    }

    private async Task HandleAsync(HttpContext context)
    {
        var path = context.Request.Path.Value!;
        Requests.Enqueue(new SeenRequest(context.Request.Method, path, context.Request.Headers.Range,
            context.Request.Headers.Authorization));
        if (Intercept is { } intercept && await intercept(context))
            return;
        if (context.Request.Headers.Authorization != "Bearer " + Token)
            context.Response.StatusCode = 401;
        else if (path == AgentRoutes.Enroll)
            await EnrollAsync(context);
        else if (path == AgentRoutes.State)
            await StateAsync(context);
        else if (path == AgentRoutes.Report)
            await ReportAsync(context);
        else if (path.StartsWith(AgentRoutes.Manifests, StringComparison.Ordinal))
            await ManifestAsync(context, path[AgentRoutes.Manifests.Length..]);
        else if (path.StartsWith(AgentRoutes.Packs, StringComparison.Ordinal))
            await PackAsync(context, Packs[path[AgentRoutes.Packs.Length..]]);
        else
            context.Response.StatusCode = 404;
    }

    private async Task EnrollAsync(HttpContext context)
    {
        var request = (await JsonSerializer.DeserializeAsync(context.Request.Body, AgentJson.Default.EnrollRequest))!;
        Enrolments.Enqueue(request);
        string agent;
        lock (_gate)
            agent = _agents.TryGetValue(request.InstanceId, out var known)
                ? known
                : _agents[request.InstanceId] = EntityId.New(TimeProvider.System);
        await WriteAsync(context, new EnrollResponse
        {
            AgentId = agent,
            OrganizationId = OrganizationId,
            DeploymentId = DeploymentId,
            SigningKey = PublicKey.Of(Key),
        }, AgentJson.Default.EnrollResponse);
    }

    private async Task StateAsync(HttpContext context)
    {
        var query = context.Request.Query;
        var phase = query["phase"] == "PREPARE" ? StatePhase.Prepare : StatePhase.Activate;
        var reached = new StateKey(Number("epoch"), Number("revision"), phase);
        var waiting = Task.Delay(TimeSpan.FromSeconds(Number("wait")), context.RequestAborted);
        while (true)
        {
            Task changed;
            lock (_gate)
                changed = _changed.Task;
            var state = State();
            if (StateKey.Of(state) != reached && !(state.Revision == 0 && reached.Revision == 0))
            {
                await WriteAsync(context, Sign(state), AgentJson.Default.StateResponse);
                return;
            }
            if (await Task.WhenAny(changed, waiting) == waiting)
            {
                context.Response.StatusCode = 204;
                return;
            }
        }

        long Number(string name) => long.Parse(query[name]!, CultureInfo.InvariantCulture);
    }

    private async Task ReportAsync(HttpContext context)
    {
        var report = (await JsonSerializer.DeserializeAsync(context.Request.Body, AgentJson.Default.AgentReport))!;
        lock (_gate)
        {
            _reports.Add(report);
            if (report.Phase == AgentPhase.Failed)
                _prepared.Remove((report.Epoch, report.Revision));
            else if (report.Phase != AgentPhase.Preparing)
                _prepared.Add((report.Epoch, report.Revision));
        }
        await WriteAsync(context, Sign(State()), AgentJson.Default.StateResponse);
        Signal();
    }

    private async Task ManifestAsync(HttpContext context, string digest)
    {
        ManifestDiff diff;
        lock (_gate)
        {
            var from = Digest.TryParse(context.Request.Query["from"], out var known) ? _manifests.GetValueOrDefault(known) : null;
            diff = ManifestDiff.Between(from, _manifests[Digest.Parse(digest)], _locations);
            // Between accepts locations of all contents, and serializes those of added contents.
            diff = ManifestDiff.Between(from, _manifests[Digest.Parse(digest)], diff.Added.Where(entry => !entry.IsDirectory)
                .Select(entry => entry.Content).Distinct().ToDictionary(content => content, content => _locations[content]));
        }
        await context.Response.Body.WriteAsync(diff.ToBytes());
    }

    public static async Task PackAsync(HttpContext context, byte[] pack)
    {
        var range = context.Request.GetTypedHeaders().Range!.Ranges.Single();
        var (from, to) = ((int)range.From!.Value, (int)Math.Min(range.To!.Value, pack.Length - 1));
        context.Response.StatusCode = 206;
        context.Response.Headers.ContentRange = $"bytes {from}-{to}/{pack.Length}";
        context.Response.ContentLength = to - from + 1;
        await context.Response.Body.WriteAsync(pack.AsMemory(from, to - from + 1));
    }

    private DesiredState State()
    {
        lock (_gate)
        {
            var now = DateTimeOffset.FromUnixTimeMilliseconds(TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());
            return AlterState(new DesiredState
            {
                OrganizationId = OrganizationId,
                DeploymentId = DeploymentId,
                Epoch = Epoch,
                Revision = Revision,
                Phase = Revision == 0 || _prepared.Contains((Epoch, Revision)) ? StatePhase.Activate : StatePhase.Prepare,
                Image = _image,
                Mounts = Mounts,
                IssuedAt = now,
                ExpiresAt = now + Lifetime,
            });
        }
    }

    private StateResponse Sign(DesiredState state) => new(AlterDocument(state.Sign(Key, PublicKey.Of(Key).KeyId)));

    private static async Task WriteAsync<T>(HttpContext context, T value, JsonTypeInfo<T> type)
    {
        context.Response.ContentType = "application/json; charset=utf-8";
        await context.Response.Body.WriteAsync(JsonSerializer.SerializeToUtf8Bytes(value, type));
    }
}
