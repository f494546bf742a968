using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Microsoft.Extensions.Options;
using Polly;
using Updraft.Protocol.Api;
using Updraft.Server.Api;

namespace Updraft.Server.Images;

/// <summary>
/// What the server itself asks the registry, with a token that it gives itself for one repository and one action. Answers are taken
/// for hostile: they are limited in size and time, and count only if their bytes have the digest under which they were asked for.
/// </summary>
/// <exception cref="ApiException">503: the registry does not answer, or not as a registry does.</exception>
internal sealed class RegistryClient(HttpClient http, SignRegistryToken sign, IOptions<ImageOptions> options)
{
    /// <summary>Largest manifest, in bytes; the registry itself takes no larger one.</summary>
    public const int MaxManifestBytes = 4 * 1024 * 1024;

    /// <summary>Largest config of an image, in bytes.</summary>
    public const int MaxConfigBytes = 4 * 1024 * 1024;

    private const int MaxRedirects = 3;
    private const string Pull = "pull", Delete = "delete", DigestHeader = "Docker-Content-Digest", VersionHeader = "Docker-Distribution-Api-Version";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private static readonly MediaTypeWithQualityHeaderValue[] ManifestTypes =
    [
        new(ImageMediaType.OciManifest), new(ImageMediaType.OciIndex), new(ImageMediaType.DockerManifest), new(ImageMediaType.DockerList),
    ];

    /// <summary>Whether there is a registry to ask.</summary>
    public bool IsConfigured => options.Value.Registry is not null;

    /// <summary>A manifest by tag or digest; null when the registry does not have it.</summary>
    public Task<RegistryResponse?> GetManifestAsync(RegistryRepository repository, string reference, CancellationToken cancellationToken) =>
        AskAsync(async limit =>
        {
            using var response = await SendAsync(HttpMethod.Get, repository, Pull, Manifest(reference), limit);
            if (await IsMissingAsync(response, limit))
                return null;
            Expect(response, HttpStatusCode.OK);
            var bytes = await ReadAsync(response, MaxManifestBytes, limit);
            var digest = ImageDigest.Of(bytes);
            if (ImageDigest.IsValid(reference) && reference != digest)
                throw UnexpectedResponse($"it answered with another manifest than {reference}");
            if (Header(response, DigestHeader) is { } named && named != digest)
                throw UnexpectedResponse($"it calls a manifest {ApiException.Shorten(named)} whose digest is {digest}");
            return new RegistryResponse(digest, response.Content.Headers.ContentType?.MediaType, bytes);
        }, cancellationToken);

    /// <summary>The digest that a tag has now, as the registry says, or that a digest is there; null when the registry does not have it.</summary>
    public Task<string?> FindManifestAsync(RegistryRepository repository, string reference, CancellationToken cancellationToken) =>
        AskAsync(async limit =>
        {
            using var response = await SendAsync(HttpMethod.Head, repository, Pull, Manifest(reference), limit);
            if (response.StatusCode == HttpStatusCode.NotFound)
                return null;
            Expect(response, HttpStatusCode.OK);
            return Header(response, DigestHeader) is { } digest && ImageDigest.IsValid(digest) ? digest : throw UnexpectedResponse("it names no digest");
        }, cancellationToken);

    /// <summary>The config of an image; null when the registry does not have it.</summary>
    public Task<byte[]?> GetConfigAsync(RegistryRepository repository, string digest, CancellationToken cancellationToken) =>
        AskAsync(async limit =>
        {
            using var response = await SendAsync(HttpMethod.Get, repository, Pull, "blobs/" + digest, limit);
            if (await IsMissingAsync(response, limit))
                return null;
            Expect(response, HttpStatusCode.OK);
            var bytes = await ReadAsync(response, MaxConfigBytes, limit);
            return ImageDigest.Of(bytes) == digest ? bytes : throw UnexpectedResponse($"it answered with another blob than {digest}");
        }, cancellationToken);

    /// <summary>Deletes a manifest and every tag that names it; one that is not there counts as deleted.</summary>
    /// <returns>False when the registry is set up to delete nothing.</returns>
    public Task<bool> DeleteManifestAsync(RegistryRepository repository, string digest, CancellationToken cancellationToken) =>
        AskAsync(async limit =>
        {
            using var response = await SendAsync(HttpMethod.Delete, repository, Delete, Manifest(digest), limit);
            if (response.StatusCode == HttpStatusCode.MethodNotAllowed)
                return false;
            if (!await IsMissingAsync(response, limit))
                Expect(response, HttpStatusCode.Accepted);
            return true;
        }, cancellationToken);

    private static string Manifest(string reference) => "manifests/" + Uri.EscapeDataString(reference);

    /// <summary>The whole of a question, its body too, has one limit; whatever goes wrong on the way is a 503.</summary>
    private static async Task<T> AskAsync<T>(Func<CancellationToken, Task<T>> ask, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Limit);
        try
        {
            return await ask(limit.Token);
        }
        catch (HttpRequestException exception) when (exception.HttpRequestError == HttpRequestError.ConfigurationLimitExceeded)
        {
            throw UnexpectedResponse("its answer is too large", exception);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or ExecutionRejectedException
            || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new ApiException(StatusCodes.Status503ServiceUnavailable,
                "The image registry does not answer, so the image cannot be looked up. Nothing was changed; try again, and if it stays so, "
                + "its operator must look after the registry and the setting Images:RegistryUrl.", exception);
        }
    }

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, RegistryRepository repository, string action, string path,
        CancellationToken cancellationToken)
    {
        var registry = options.Value.Registry ?? throw new InvalidOperationException("There is no Images:RegistryUrl.");
        var token = sign.Run("updraft", [new RegistryAccess { Name = repository.ToString(), Actions = [action] }]).Token;
        var address = new Uri(registry, $"v2/{repository}/{path}");
        for (var redirects = 0; ; redirects++)
        {
            using var request = new HttpRequestMessage(method, address);
            foreach (var type in path.StartsWith("manifests/", StringComparison.Ordinal) ? ManifestTypes : [])
                request.Headers.Accept.Add(type);
            // A registry on an object store sends its clients there for blobs; the token is none of that store's business.
            if (IsSameHost(address, registry))
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            if (method != HttpMethod.Get || (int)response.StatusCode is not (301 or 302 or 303 or 307 or 308))
                return response;
            using (response)
            {
                address = response.Headers.Location is { } location && redirects < MaxRedirects ? new Uri(address, location)
                    : throw UnexpectedResponse("it sends its clients from one address to the next");
                if (address.Scheme != Uri.UriSchemeHttps && (address.Scheme != Uri.UriSchemeHttp || registry.Scheme == Uri.UriSchemeHttps))
                    throw UnexpectedResponse("it sends its clients to an address that is not https");
            }
        }
    }

    private static bool IsSameHost(Uri address, Uri registry) =>
        address.Scheme == registry.Scheme && address.Port == registry.Port && string.Equals(address.Host, registry.Host, StringComparison.OrdinalIgnoreCase);

    /// <summary>A 404 is believed only when a registry says it: whatever else listens there knows no image either.</summary>
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
        throw UnexpectedResponse("what answers at Images:RegistryUrl is no image registry");
    }

    private static void Expect(HttpResponseMessage response, HttpStatusCode expected)
    {
        if (response.StatusCode == expected)
            return;
        throw response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden
            ? UnexpectedResponse("it does not accept Updraft's own token; compare its auth settings, certificate and clock with Updraft's")
            : UnexpectedResponse($"it answered with status {(int)response.StatusCode}");
    }

    private static async Task<byte[]> ReadAsync(HttpResponseMessage response, int max, CancellationToken cancellationToken)
    {
        await response.Content.LoadIntoBufferAsync(max, cancellationToken);
        return await response.Content.ReadAsByteArrayAsync(cancellationToken);
    }

    private static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) ? values.FirstOrDefault() : null;

    private static ApiException UnexpectedResponse(string what, Exception? cause = null) => new(StatusCodes.Status503ServiceUnavailable,
        $"The image registry does not work as it should: {what}. Nothing was changed; its operator must look after it.", cause);
}
