using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Updraft.Bench;

/// <summary>CNCF Distribution on a loopback port, letting in who has a token of a <see cref="Site"/>. It writes no log of requests.</summary>
internal sealed class ImageRegistry : IDisposable
{
    public const string ManifestType = "application/vnd.oci.image.manifest.v1+json";
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromMinutes(5) };
    private readonly Site _site;
    private readonly ChildProcess _program;
    private readonly Uri _address;
    private readonly string _repository;

    private ImageRegistry(BenchOptions options, Site site, int port)
    {
        (_site, _address) = (site, new Uri($"http://127.0.0.1:{port}"));
        _repository = $"{site.Organization}/{site.Deployment}";
        var settings = Path.Join(site.Folder, "registry.yml");
        File.WriteAllText(settings, $"""
            version: 0.1
            log:
              level: error
              accesslog:
                disabled: true
            storage:
              filesystem:
                rootdirectory: {Path.Join(site.Folder, "images")}
            http:
              addr: 127.0.0.1:{port}
            auth:
              token:
                realm: {site.Address.OriginalString}/registry/token
                service: updraft-registry
                issuer: updraft
                rootcertbundle: {site.RegistryCertificate}
            """);
        _program = new ChildProcess([options.Registry, "serve", settings]);
    }

    /// <summary>Starts the registry for a server that was started with <c>--Registry=127.0.0.1:PORT</c>.</summary>
    public static async Task<ImageRegistry> StartAsync(BenchOptions options, Site site, int port)
    {
        var registry = new ImageRegistry(options, site, port);
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                using var answer = await registry._http.GetAsync(new Uri(registry._address, "/v2/"));
                if (answer.StatusCode == HttpStatusCode.Unauthorized)
                    return registry;
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }
            if (registry._program.HasExited || attempt > 2000)
                throw new BenchException("The registry does not start.\n" + registry._program.Output);
            await Task.Delay(5);
        }
    }

    public Uri Manifest(string tag) => new(_address, $"/v2/{_repository}/manifests/{tag}");

    public async Task<string> TokenAsync(string actions)
    {
        var query = $"/registry/token?service=updraft-registry&scope=repository:{_repository}:{actions}";
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(_site.Address, query));
        request.Headers.Authorization = new AuthenticationHeaderValue("Basic",
            Convert.ToBase64String(Encoding.UTF8.GetBytes("cli:" + _site.OwnerToken)));
        using var answer = await _site.Http.SendAsync(request);
        answer.EnsureSuccessStatusCode();
        return JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["token"]!.GetValue<string>();
    }

    /// <summary>Makes an image whose manifest has about as many bytes as told.</summary>
    public async Task PushImageAsync(string tag, int manifestBytes)
    {
        var token = await TokenAsync("pull,push");
        var config = await PushAsync(token, "{}"u8.ToArray());
        var layer = await PushAsync(token, RandomNumberGenerator.GetBytes(1000));
        var manifest = new JsonObject
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = ManifestType,
            ["config"] = Blob("application/vnd.oci.image.config.v1+json", config, 2),
            ["layers"] = new JsonArray(Blob("application/vnd.oci.image.layer.v1.tar+gzip", layer, 1000)),
        };
        var filling = manifestBytes - manifest.ToJsonString().Length - 30;
        manifest["annotations"] = new JsonObject { ["a"] = new string('x', Math.Max(1, filling)) };
        using var request = Request(HttpMethod.Put, Manifest(tag), token);
        request.Content = new StringContent(manifest.ToJsonString());
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(ManifestType);
        await SendAsync(request, HttpStatusCode.Created);
    }

    /// <summary>Pushes a file as a blob, in one piece; says its digest.</summary>
    public async Task PushFileAsync(string token, string path, string digest)
    {
        await using var file = File.OpenRead(path);
        await PushAsync(token, new StreamContent(file, 256 * 1024), digest);
    }

    public void Dispose()
    {
        _program.Dispose();
        _http.Dispose();
    }

    private async Task<string> PushAsync(string token, byte[] content)
    {
        var digest = "sha256:" + Convert.ToHexStringLower(SHA256.HashData(content));
        await PushAsync(token, new ByteArrayContent(content), digest);
        return digest;
    }

    private async Task PushAsync(string token, HttpContent content, string digest)
    {
        using var begin = Request(HttpMethod.Post, new Uri(_address, $"/v2/{_repository}/blobs/uploads/"), token);
        var place = new Uri(_address, await SendAsync(begin, HttpStatusCode.Accepted));
        using var put = Request(HttpMethod.Put, new Uri($"{place.AbsoluteUri}{(place.Query.Length > 0 ? '&' : '?')}digest={digest}"), token);
        put.Content = content;
        put.Content.Headers.ContentType = new MediaTypeHeaderValue("application/octet-stream");
        await SendAsync(put, HttpStatusCode.Created);
    }

    private async Task<string> SendAsync(HttpRequestMessage request, HttpStatusCode expected)
    {
        using var answer = await _http.SendAsync(request);
        return answer.StatusCode == expected
            ? answer.Headers.Location?.OriginalString ?? ""
            : throw new BenchException($"The registry answers {(int)answer.StatusCode} to {request.Method}: {await answer.Content.ReadAsStringAsync()}");
    }

    private static HttpRequestMessage Request(HttpMethod method, Uri address, string token)
    {
        var request = new HttpRequestMessage(method, address);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return request;
    }

    private static JsonObject Blob(string type, string digest, int size) => new() { ["mediaType"] = type, ["digest"] = digest, ["size"] = size };
}
