using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Polly;
using Updraft.Protocol.Api;
using Updraft.Server.Api;

namespace Updraft.Server.Images;

/// <summary>
/// The server's own requests to the registry. The server issues a token to itself for one repository and one action. Responses are
/// untrusted: their size and time are limited, and their bytes must have the requested digest.
/// </summary>
/// <exception cref="ApiException">503: the registry does not respond, or its response is invalid.</exception>
internal sealed class RegistryClient(HttpClient http, SignRegistryToken sign, IOptions<ImageOptions> options)
{
    /// <summary>Maximum size of a manifest in bytes, which is also the limit of the registry.</summary>
    public const int MaxManifestBytes = 4 * 1024 * 1024;

    /// <summary>Maximum size of an image config in bytes.</summary>
    public const int MaxConfigBytes = 4 * 1024 * 1024;

    private static readonly IPNetwork LinkLocal = IPNetwork.Parse("169.254.0.0/16");

    private const int MaxRedirects = 3;
    private const string Pull = "pull", Delete = "delete", DigestHeader = "Docker-Content-Digest",
        VersionHeader = "Docker-Distribution-Api-Version";

    /// <summary>Maximum duration of a request, with its retries and the body of its response.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private static readonly MediaTypeWithQualityHeaderValue[] ManifestTypes =
    [
        new(ImageMediaType.OciManifest), new(ImageMediaType.OciIndex), new(ImageMediaType.DockerManifest), new(ImageMediaType.DockerList),
    ];

    /// <summary>Whether the operator configured a registry.</summary>
    public bool IsConfigured => options.Value.Registry is not null;

    /// <summary>A manifest by tag or digest; null if the registry does not have it.</summary>
    public Task<RegistryResponse?> GetManifestAsync(RegistryRepository repository, string reference, CancellationToken cancellationToken) =>
        RunAsync(async limit =>
        {
            using var response = await SendAsync(HttpMethod.Get, repository, Pull, Manifest(reference), limit);
            if (await IsMissingAsync(response, limit))
                return null;
            Expect(response, HttpStatusCode.OK);
            var bytes = await ReadAsync(response, MaxManifestBytes, limit);
            var digest = ImageDigest.Of(bytes);
            if (ImageDigest.IsValid(reference) && reference != digest)
                throw UnexpectedResponse($"it sent another manifest than {reference}");
            if (Header(response, DigestHeader) is { } named && named != digest)
                throw UnexpectedResponse($"it sent the digest {ApiException.Shorten(named)} for a manifest with the digest {digest}");
            return new RegistryResponse(digest, response.Content.Headers.ContentType?.MediaType, bytes);
        }, cancellationToken);

    /// <summary>The digest of a manifest by tag or digest, as the registry reports it; null if the registry does not have it.</summary>
    public Task<string?> FindManifestAsync(RegistryRepository repository, string reference, CancellationToken cancellationToken) =>
        RunAsync(async limit =>
        {
            using var response = await SendAsync(HttpMethod.Head, repository, Pull, Manifest(reference), limit);
            if (response.StatusCode == HttpStatusCode.NotFound)
                return null;
            Expect(response, HttpStatusCode.OK);
            return Header(response, DigestHeader) is { } digest && ImageDigest.IsValid(digest)
                ? digest : throw UnexpectedResponse("it sent no digest");
        }, cancellationToken);

    /// <summary>The config of an image; null if the registry does not have it.</summary>
    public Task<byte[]?> GetConfigAsync(RegistryRepository repository, string digest, CancellationToken cancellationToken) =>
        RunAsync(async limit =>
        {
            using var response = await SendAsync(HttpMethod.Get, repository, Pull, "blobs/" + digest, limit);
            if (await IsMissingAsync(response, limit))
                return null;
            Expect(response, HttpStatusCode.OK);
            var bytes = await ReadAsync(response, MaxConfigBytes, limit);
            return ImageDigest.Of(bytes) == digest ? bytes : throw UnexpectedResponse($"it sent another blob than {digest}");
        }, cancellationToken);

    /// <summary>Deletes a manifest and all its tags. A manifest that does not exist counts as deleted.</summary>
    /// <returns>False if the registry rejects deletions.</returns>
    public Task<bool> DeleteManifestAsync(RegistryRepository repository, string digest, CancellationToken cancellationToken) =>
        RunAsync(async limit =>
        {
            using var response = await SendAsync(HttpMethod.Delete, repository, Delete, Manifest(digest), limit);
            if (response.StatusCode == HttpStatusCode.MethodNotAllowed)
                return false;
            if (!await IsMissingAsync(response, limit))
                Expect(response, HttpStatusCode.Accepted);
            return true;
        }, cancellationToken);

    private static string Manifest(string reference) => "manifests/" + Uri.EscapeDataString(reference);

    /// <summary>Runs a request within <see cref="Limit"/>, and turns all failures into a 503.</summary>
    private static async Task<T> RunAsync<T>(Func<CancellationToken, Task<T>> send, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);
        try
        {
            return await send(limit.Token);
        }
        catch (HttpRequestException exception) when (exception.HttpRequestError == HttpRequestError.ConfigurationLimitExceeded)
        {
            throw UnexpectedResponse("its response is too large", exception);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or ExecutionRejectedException
            || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new ApiException(ImageErrors.RegistryUnreachable,
                "The image registry does not respond, so the server cannot resolve the image. The request changed nothing. Send it again. "
                + "If it fails again, an operator must check the registry and the setting Images:RegistryUrl.", exception);
        }
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, RegistryRepository repository, string action, string path,
        CancellationToken cancellationToken)
    {
        var registry = options.Value.Registry ?? throw new InvalidOperationException("Images:RegistryUrl is not set.");
        var token = sign.Run("updraft", [new RegistryAccess { Name = repository.ToString(), Actions = [action] }]).Token;
        var url = new Uri(registry, $"v2/{repository}/{path}");
        for (var redirects = 0; ; redirects++)
        {
            using var request = new HttpRequestMessage(method, url);
            foreach (var type in path.StartsWith("manifests/", StringComparison.Ordinal) ? ManifestTypes : [])
                request.Headers.Accept.Add(type);
            // A registry with an object store redirects clients there for blobs. The store must not get the token.
            if (IsSameHost(url, registry))
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            // A manifest selects the image, so only the registry itself may send it.
            if (method != HttpMethod.Get || (int)response.StatusCode is not (301 or 302 or 303 or 307 or 308)
                || !path.StartsWith("blobs/", StringComparison.Ordinal))
                return response;
            using (response)
            {
                url = response.Headers.Location is { } location && redirects < MaxRedirects ? new Uri(url, location)
                    : throw UnexpectedResponse($"it redirects more than {MaxRedirects} times, or to no URL");
                if (url.Scheme != Uri.UriSchemeHttps && (url.Scheme != Uri.UriSchemeHttp || registry.Scheme == Uri.UriSchemeHttps))
                    throw UnexpectedResponse("it redirects to a URL that is not https");
                if (!IsSameHost(url, registry) && !await MayRedirectAsync(registry, url, cancellationToken))
                    throw UnexpectedResponse("it redirects to a private IP address");
            }
        }
    }

    /// <summary>
    /// Whether a redirect stays in the network of the registry or leads to the public Internet. Otherwise a registry could make the server
    /// send requests to internal services.
    /// </summary>
    private static async Task<bool> MayRedirectAsync(Uri registry, Uri target, CancellationToken cancellationToken)
    {
        var addresses = await Dns.GetHostAddressesAsync(target.IdnHost, cancellationToken);
        if (Array.TrueForAll(addresses, PublicAddress.IsPublic))
            return true;
        // A registry in a private network usually has its object store there too.
        var own = await Dns.GetHostAddressesAsync(registry.IdnHost, cancellationToken);
        return !Array.Exists(own, PublicAddress.IsPublic) && !Array.Exists(addresses, IsLinkLocal)
            && (!Array.Exists(addresses, IPAddress.IsLoopback) || Array.TrueForAll(own, IPAddress.IsLoopback));
    }

    // The metadata services of clouds, which hand out credentials.
    private static bool IsLinkLocal(IPAddress address) => address.IsIPv6LinkLocal
        || LinkLocal.Contains(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address);

    private static bool IsSameHost(Uri url, Uri registry) =>
        url.Scheme == registry.Scheme && url.Port == registry.Port
            && string.Equals(url.Host, registry.Host, StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether a registry sent a 404. A 404 of another server does not show that the image is missing.</summary>
    private static async Task<bool> IsMissingAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.StatusCode != HttpStatusCode.NotFound)
            return false;
        if (Header(response, VersionHeader) is not null)
            return true;
        var bytes = await ReadAsync(response, MaxManifestBytes, cancellationToken);
        try
        {
            if (JsonSerializer.Deserialize(bytes, RegistryJson.Default.RegistryErrors) is { Errors.Count: > 0 })
                return true;
        }
        catch (JsonException)
        {
        }
        throw UnexpectedResponse("the server at Images:RegistryUrl is not an image registry");
    }

    private static void Expect(HttpResponseMessage response, HttpStatusCode expected)
    {
        if (response.StatusCode == expected)
            return;
        throw response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden
            ? UnexpectedResponse("it rejects the token of Updraft; compare its auth settings, certificate and clock with those of Updraft")
            : UnexpectedResponse($"it responded with status {(int)response.StatusCode}");
    }

    private static async Task<byte[]> ReadAsync(HttpResponseMessage response, int max, CancellationToken cancellationToken)
    {
        await response.Content.LoadIntoBufferAsync(max, cancellationToken);
        return await response.Content.ReadAsByteArrayAsync(cancellationToken);
    }

    private static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) ? values.FirstOrDefault() : null;

    private static ApiException UnexpectedResponse(string reason, Exception? cause = null) => new(ImageErrors.UnexpectedResponse,
        $"The image registry sent an unexpected response: {reason}. The request changed nothing. An operator must check the registry.",
        cause);
}
