using System.Text.RegularExpressions;
using Microsoft.AspNetCore.WebUtilities;

namespace Updraft.Server.Storage;

/// <summary>
/// The parsed setting <c>Storage:Url</c>:
/// <code>
/// (empty)                                             the directory blobs in the data directory
/// s3://BUCKET/PREFIX?region=eu-central-1              Amazon S3
/// s3://BUCKET/PREFIX?endpoint=https://s3.example.org  any store with the S3 API; pathStyle=false for buckets in host names
/// azure://ACCOUNT/CONTAINER/PREFIX                    Azure Blob Storage
/// https://ACCOUNT.blob.core.windows.net/CONTAINER     the same
/// </code>
/// </summary>
/// <param name="Prefix">Prefix of every key: empty, or ending in <c>/</c>.</param>
internal abstract partial record BlobStoreUrl(string Prefix)
{
    private const int MaxPrefixLength = 200;

    /// <summary>Parses the options.</summary>
    /// <exception cref="FormatException">The URL is invalid. The message lists the valid forms.</exception>
    public static BlobStoreUrl Of(StorageOptions options)
    {
        var text = options.Url;
        if (string.IsNullOrWhiteSpace(text))
            return new DirectoryUrl();
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url))
            throw Invalid("is not a URL");
        if (url.UserInfo.Length > 0 || url.Fragment.Length > 0)
            throw Invalid("has credentials or a fragment, which are not allowed");
        return url.Scheme switch
        {
            "s3" => ReadS3(url),
            "azure" => ReadAzure(url, url.Host, service: new Uri($"https://{url.Host}.blob.core.windows.net"), url.AbsolutePath),
            "https" when url.Host.Contains(".blob.", StringComparison.Ordinal) =>
                ReadAzure(url, url.Host.Split('.')[0], new Uri(url.GetLeftPart(UriPartial.Authority)), url.AbsolutePath),
            _ => throw Invalid($"has the scheme '{url.Scheme}' and a host that is not a supported object store"),
        };
    }

    private static S3Url ReadS3(Uri url)
    {
        if (!Bucket().IsMatch(url.Host))
            throw Invalid($"names no bucket: '{url.Host}' is not a valid bucket name");
        var query = QueryHelpers.ParseQuery(url.Query);
        if (query.Keys.FirstOrDefault(key => key is not ("region" or "endpoint" or "pathStyle")) is { } unknown)
            throw Invalid($"has the parameter '{unknown}', but only region, endpoint and pathStyle are possible");
        var region = query.GetValueOrDefault("region").ToString();
        var endpoint = query.GetValueOrDefault("endpoint").ToString();
        if (region.Length == 0 && endpoint.Length == 0)
            throw Invalid("names neither a region nor an endpoint");
        if (region.Length > 0 && !Region().IsMatch(region))
            throw Invalid($"has the invalid region '{region}'");
        Uri? service = null;
        if (endpoint.Length > 0 && (!Uri.TryCreate(endpoint, UriKind.Absolute, out service) || service.Scheme is not ("http" or "https")
            || service.Query.Length > 0 || service.UserInfo.Length > 0))
            throw Invalid("has an endpoint that is not a URL such as https://s3.example.org");
        var pathStyle = query.GetValueOrDefault("pathStyle").ToString() switch
        {
            "" => service is not null,
            "true" => true,
            "false" => false,
            _ => throw Invalid("has a pathStyle that is neither true nor false"),
        };
        return new S3Url(url.Host, ReadPrefix(url.AbsolutePath), region, service, pathStyle);
    }

    private static AzureUrl ReadAzure(Uri url, string account, Uri service, string path)
    {
        if (url.Query.Length > 0)
            throw Invalid("has parameters. Keys and signatures belong in Storage:AzureConnectionString");
        if (!Account().IsMatch(account))
            throw Invalid($"names no storage account: '{account}' is not a valid account name");
        var parts = path.Trim('/').Split('/', 2);
        if (!Container().IsMatch(parts[0]))
            throw Invalid($"names no container: '{parts[0]}' is not a valid container name");
        return new AzureUrl(account, service, parts[0], ReadPrefix(parts.ElementAtOrDefault(1) ?? ""));
    }

    private static string ReadPrefix(string path)
    {
        var prefix = path.Trim('/');
        return prefix.Length == 0 ? "" : prefix.Length <= MaxPrefixLength && KeyPrefix().IsMatch(prefix) ? prefix + "/"
            : throw Invalid($"has the invalid prefix '{prefix}'. "
                + "A prefix has parts of letters, digits, '_' and '-', with single dots or slashes between them, "
                + $"and at most {MaxPrefixLength} characters");
    }

    private static FormatException Invalid(string problem) => new($"Storage:Url {problem}. Leave it empty for the data directory, or write "
        + "s3://BUCKET/PREFIX?region=REGION, s3://BUCKET/PREFIX?endpoint=https://HOST, azure://ACCOUNT/CONTAINER/PREFIX or "
        + "https://ACCOUNT.blob.core.windows.net/CONTAINER/PREFIX.");

    [GeneratedRegex("^[a-z0-9][a-z0-9._-]{1,61}[a-z0-9]$", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Bucket();

    [GeneratedRegex("^[a-z0-9-]{2,40}$", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Region();

    [GeneratedRegex("^[a-z0-9]{3,24}$", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Account();

    [GeneratedRegex("^[a-z0-9](-?[a-z0-9]){2,62}$", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex Container();

    [GeneratedRegex("^[A-Za-z0-9_-]+([./][A-Za-z0-9_-]+)*$", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex KeyPrefix();
}

/// <summary>The directory <c>blobs</c> in the data directory.</summary>
internal sealed record DirectoryUrl() : BlobStoreUrl("");

/// <summary>A bucket of a store with the S3 API.</summary>
/// <param name="Bucket">Name of the bucket.</param>
/// <param name="Prefix">Prefix of every key: empty, or ending in <c>/</c>.</param>
/// <param name="Region">Region of the bucket; empty if only an endpoint is set.</param>
/// <param name="Endpoint">URL of the store; null for Amazon S3.</param>
/// <param name="PathStyle">Whether requests name the bucket in the path instead of the host name.</param>
internal sealed record S3Url(string Bucket, string Prefix, string Region, Uri? Endpoint, bool PathStyle) : BlobStoreUrl(Prefix);

/// <summary>A container of an Azure storage account.</summary>
/// <param name="Account">Name of the account.</param>
/// <param name="Service">URL of the account; a connection string overrides it.</param>
/// <param name="Container">Name of the container.</param>
/// <param name="Prefix">Prefix of every key: empty, or ending in <c>/</c>.</param>
internal sealed record AzureUrl(string Account, Uri Service, string Container, string Prefix) : BlobStoreUrl(Prefix);
