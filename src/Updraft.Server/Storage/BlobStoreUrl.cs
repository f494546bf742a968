using System.Text.RegularExpressions;
using Microsoft.AspNetCore.WebUtilities;

namespace Updraft.Server.Storage;

/// <summary>
/// What <c>Storage:Url</c> says:
/// <code>
/// (empty)                                             the folder blobs in the data folder
/// s3://BUCKET/PREFIX?region=eu-central-1              Amazon S3
/// s3://BUCKET/PREFIX?endpoint=https://s3.example.org  any store with the S3 API; pathStyle=false for buckets in host names
/// azure://ACCOUNT/CONTAINER/PREFIX                    Azure Blob Storage
/// https://ACCOUNT.blob.core.windows.net/CONTAINER     the same
/// </code>
/// </summary>
/// <param name="Prefix">What stands before every key: empty, or ending in <c>/</c>.</param>
internal abstract partial record BlobStoreUrl(string Prefix)
{
    private const int MaxPrefixLength = 200;

    /// <summary>Reads the options.</summary>
    /// <exception cref="FormatException">They make no address; the message says what to write.</exception>
    public static BlobStoreUrl Of(StorageOptions options)
    {
        var text = options.Url;
        if (string.IsNullOrWhiteSpace(text))
            return new DirectoryUrl();
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.UserInfo.Length > 0 || url.Fragment.Length > 0)
            throw Wrong("is no address");
        return url.Scheme switch
        {
            "s3" => ReadS3(url),
            "azure" => ReadAzure(url, url.Host, service: new Uri($"https://{url.Host}.blob.core.windows.net"), url.AbsolutePath),
            "https" when url.Host.Contains(".blob.", StringComparison.Ordinal) =>
                ReadAzure(url, url.Host.Split('.')[0], new Uri(url.GetLeftPart(UriPartial.Authority)), url.AbsolutePath),
            _ => throw Wrong($"has the scheme '{url.Scheme}' with a host that is no object store"),
        };
    }

    private static S3Url ReadS3(Uri url)
    {
        if (!Bucket().IsMatch(url.Host))
            throw Wrong($"names no bucket: '{url.Host}' cannot be one");
        var query = QueryHelpers.ParseQuery(url.Query);
        if (query.Keys.FirstOrDefault(key => key is not ("region" or "endpoint" or "pathStyle")) is { } unknown)
            throw Wrong($"has the parameter '{unknown}'; it takes region, endpoint and pathStyle");
        var region = query.GetValueOrDefault("region").ToString();
        var endpoint = query.GetValueOrDefault("endpoint").ToString();
        if (region.Length == 0 && endpoint.Length == 0)
            throw Wrong("names neither a region nor an endpoint");
        if (region.Length > 0 && !Region().IsMatch(region))
            throw Wrong($"has the region '{region}', which cannot be one");
        Uri? service = null;
        if (endpoint.Length > 0 && (!Uri.TryCreate(endpoint, UriKind.Absolute, out service) || service.Scheme is not ("http" or "https")
            || service.Query.Length > 0 || service.UserInfo.Length > 0))
            throw Wrong("has an endpoint that is no address such as https://s3.example.org");
        var pathStyle = query.GetValueOrDefault("pathStyle").ToString() switch
        {
            "" => service is not null,
            "true" => true,
            "false" => false,
            _ => throw Wrong("has a pathStyle that is neither true nor false"),
        };
        return new S3Url(url.Host, ReadPrefix(url.AbsolutePath), region, service, pathStyle);
    }

    private static AzureUrl ReadAzure(Uri url, string account, Uri service, string path)
    {
        if (url.Query.Length > 0)
            throw Wrong("has parameters; keys and signatures belong into Storage:AzureConnectionString");
        if (!Account().IsMatch(account))
            throw Wrong($"names no storage account: '{account}' cannot be one");
        var parts = path.Trim('/').Split('/', 2);
        if (!Container().IsMatch(parts[0]))
            throw Wrong($"names no container: '{parts[0]}' cannot be one");
        return new AzureUrl(account, service, parts[0], ReadPrefix(parts.ElementAtOrDefault(1) ?? ""));
    }

    private static string ReadPrefix(string path)
    {
        var prefix = path.Trim('/');
        return prefix.Length == 0 ? "" : prefix.Length <= MaxPrefixLength && KeyPrefix().IsMatch(prefix) ? prefix + "/"
            : throw Wrong($"has the prefix '{prefix}'; use parts of letters, digits, '_' and '-' with single dots or slashes between them, 200 characters in all");
    }

    private static FormatException Wrong(string what) => new($"Storage:Url {what}. Leave it empty for the data folder, or write "
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

/// <summary>The folder <c>blobs</c> in the data folder.</summary>
internal sealed record DirectoryUrl() : BlobStoreUrl("");

/// <summary>A bucket.</summary>
/// <param name="Bucket">Its name.</param>
/// <param name="Prefix">Before every key.</param>
/// <param name="Region">Its region; empty when only an endpoint is known.</param>
/// <param name="Endpoint">Where the store is; null for Amazon's.</param>
/// <param name="PathStyle">Whether the bucket stands in the path rather than in the host name.</param>
internal sealed record S3Url(string Bucket, string Prefix, string Region, Uri? Endpoint, bool PathStyle) : BlobStoreUrl(Prefix);

/// <summary>A container of a storage account.</summary>
/// <param name="Account">The account's name.</param>
/// <param name="Service">Where the account is, unless a connection string says so.</param>
/// <param name="Container">The container's name.</param>
/// <param name="Prefix">Before every key.</param>
internal sealed record AzureUrl(string Account, Uri Service, string Container, string Prefix) : BlobStoreUrl(Prefix);
