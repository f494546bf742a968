using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Updraft.Agent.Images;
using YamlDotNet.RepresentationModel;

namespace Updraft.Agent.Tests.Support;

/// <summary>
/// A stand-in for a Kubernetes cluster. It serves the API requests of the driver over HTTP, with resource versions, conflicts and missing
/// permissions. <see cref="StandInWorkloads"/> is the stand-in for the controllers. It follows the documentation of the API, so a real
/// cluster may differ in details.
/// </summary>
internal sealed class StandInCluster : IAsyncDisposable
{
    public const string Space = "airflow";
    private readonly WebApplication _app;
    private CancellationTokenSource _watches = new();

    private StandInCluster(WebApplication app) => _app = app;

    public StandInWorkloads Workloads { get; } = new();

    /// <summary>Directory of the service account, with the files of a pod.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("updraft-account-").FullName;

    public Uri Address { get; private set; } = null!;

    /// <summary>Token that the cluster accepts.</summary>
    public string Token { get; set; } = "token-of-the-service-account";

    /// <summary>Permissions of the Role in packaging/kubernetes, such as <c>patch deployments</c>.</summary>
    public IReadOnlySet<string> Granted { get; } = ReadRole();

    /// <summary>Permissions that the cluster denies although the Role grants them.</summary>
    public ConcurrentDictionary<string, bool> Forbidden { get; } = new(StringComparer.Ordinal);

    /// <summary>All requests so far, as verb, resource and name.</summary>
    public ConcurrentQueue<string> Requests { get; } = [];

    /// <summary>Called with verb, resource and name before each request. If it returns a status, that is the response.</summary>
    public Func<string, string, string, int?>? Intercept { get; set; }

    public KubernetesConnection Connection => new(Address, Folder);

    public static async Task<StandInCluster> StartAsync(bool isSecure = false)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var (authority, certificate) = isSecure ? MakeCertificates() : (null, null);
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            if (certificate is not null)
                listen.UseHttps(certificate);
        }));
        var app = builder.Build();
        var cluster = new StandInCluster(app);
        app.Run(cluster.HandleAsync);
        await app.StartAsync();
        cluster.Address = new Uri(app.Urls.Single().Replace("[::1]", "127.0.0.1", StringComparison.Ordinal) + "/");
        File.WriteAllText(Path.Join(cluster.Folder, "token"), cluster.Token + "\n");
        File.WriteAllText(Path.Join(cluster.Folder, "namespace"), Space);
        if (authority is not null)
            File.WriteAllText(Path.Join(cluster.Folder, "ca.crt"), authority);
        return cluster;
    }

    /// <summary>Number of requests that start with a text.</summary>
    public int Count(string request) => Requests.Count(seen => seen.StartsWith(request, StringComparison.Ordinal));

    /// <summary>Closes the connections of all watches.</summary>
    public void CutWatches() => Interlocked.Exchange(ref _watches, new CancellationTokenSource()).Cancel();

    public async ValueTask DisposeAsync()
    {
        CutWatches();
        await _app.StopAsync(new CancellationToken(canceled: true));
        await _app.DisposeAsync();
        await Workloads.DisposeAsync();
        _watches.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    private async Task HandleAsync(HttpContext context)
    {
        // /apis/apps/v1/namespaces/SPACE/RESOURCE[/NAME] and /api/v1/namespaces/SPACE/RESOURCE[/NAME]
        var parts = context.Request.Path.Value!.Split('/', StringSplitOptions.RemoveEmptyEntries);
        var (resource, name) = parts[0] == "apis" ? (parts[5], parts.ElementAtOrDefault(6) ?? "") : (parts[4], parts.ElementAtOrDefault(5) ?? "");
        var group = parts[0] == "apis" ? parts[1] : "";
        var verb = context.Request.Method switch
        {
            "PATCH" => "patch",
            "DELETE" => "delete",
            _ => context.Request.Query["watch"] == "true" ? "watch" : name.Length > 0 ? "get" : "list",
        };
        Requests.Enqueue($"{verb} {resource} {name}".TrimEnd());
        if (context.Request.Headers.Authorization != $"Bearer {Token}")
            await RefuseAsync(context, 401, "Unauthorized");
        else if (Intercept?.Invoke(verb, resource, name) is { } status)
            await RefuseAsync(context, status, "the test requested this status");
        else if (parts[parts[0] == "apis" ? 4 : 3] != Space || !Granted.Contains($"{verb} {resource}") || Forbidden.ContainsKey($"{verb} {resource}"))
            await RefuseAsync(context, 403, $"{resource}{(group.Length > 0 ? "." : "")}{group} is forbidden: User \"system:serviceaccount:{Space}:agent\" cannot "
                + $"{verb} resource \"{resource}\" in API group \"{group}\" in the namespace \"{parts[parts[0] == "apis" ? 4 : 3]}\"");
        else
            await AnswerAsync(context, verb, resource, name);
    }

    private async Task AnswerAsync(HttpContext context, string verb, string resource, string name)
    {
        var selector = context.Request.Query["labelSelector"].ToString();
        switch (verb, resource)
        {
            case ("list", "pods"):
                await SendAsync(context, Workloads.Pods(selector));
                break;
            case ("list", "events"):
                Assert.Equal("involvedObject.kind=Pod,type=Warning", context.Request.Query["fieldSelector"]);
                await SendAsync(context, Workloads.Events());
                break;
            case ("delete", "pods"):
                Workloads.DeletePod(name);
                await SendAsync(context, new JsonObject { ["kind"] = "Status", ["status"] = "Success" });
                break;
            case ("list", _):
                await SendAsync(context, Workloads.List(resource, selector));
                break;
            case ("get", _):
                if (Workloads.Get(resource, name) is { } found)
                    await SendAsync(context, found);
                else
                    await RefuseAsync(context, 404, $"{resource} \"{name}\" not found");
                break;
            case ("patch", _):
                Assert.Equal("application/strategic-merge-patch+json", context.Request.ContentType);
                var (code, patched) = Workloads.Patch(resource, name, (JsonObject)(await JsonNode.ParseAsync(context.Request.Body))!);
                if (code == 200)
                    await SendAsync(context, patched!);
                else
                    await RefuseAsync(context, code, "the object has been modified; please apply your changes to the latest version and try again");
                break;
            default:
                await WatchAsync(context, resource, selector);
                break;
        }
    }

    private async Task WatchAsync(HttpContext context, string resource, string selector)
    {
        var version = long.Parse(context.Request.Query["resourceVersion"]!, System.Globalization.CultureInfo.InvariantCulture);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _watches.Token);
        context.Response.ContentType = "application/json";
        try
        {
            await context.Response.StartAsync(end.Token);
            await foreach (var change in Workloads.WatchAsync(resource, selector, version, end.Token))
            {
                await context.Response.WriteAsync(change.ToJsonString() + "\n", end.Token);
                await context.Response.Body.FlushAsync(end.Token);
            }
        }
        catch (OperationCanceledException)
        {
            context.Abort();
        }
    }

    private static Task SendAsync(HttpContext context, JsonNode body)
    {
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(body.ToJsonString());
    }

    private static Task RefuseAsync(HttpContext context, int code, string message)
    {
        context.Response.StatusCode = code;
        return SendAsync(context, new JsonObject { ["kind"] = "Status", ["code"] = code, ["message"] = message });
    }

    private static HashSet<string> ReadRole()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Join(folder, "Updraft.slnx")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("No Updraft.slnx above the tests.");
        var yaml = new YamlStream();
        using var reader = new StreamReader(Path.Join(folder, "packaging", "kubernetes", "rbac.yaml"));
        yaml.Load(reader);
        var role = yaml.Documents.Select(document => document.RootNode).Single(root => (string?)root["kind"] == "Role");
        return [.. ((YamlSequenceNode)role["rules"]).SelectMany(rule => Texts(rule["verbs"]).SelectMany(verb =>
            Texts(rule["resources"]).Select(resource => $"{verb} {resource}")))];

        static IEnumerable<string> Texts(YamlNode list) => ((YamlSequenceNode)list).Select(item => (string)item!);
    }

    /// <summary>Creates a certificate authority, and its certificate for the loopback address, as a cluster does for its API server.</summary>
    private static (string Authority, X509Certificate2 Server) MakeCertificates()
    {
        var (from, until) = (TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(1));
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var authorityRequest = new CertificateRequest("CN=stand-in-cluster", authorityKey, HashAlgorithmName.SHA256);
        authorityRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var authority = authorityRequest.CreateSelfSigned(from, until);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=kube-apiserver", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(authority, from, until, RandomNumberGenerator.GetBytes(8));
        using var withKey = certificate.CopyWithPrivateKey(key);
        return (authority.ExportCertificatePem(), X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pfx), null));
    }
}
