using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;
using Updraft.Server.Api;
using Updraft.Server.Bundles;

namespace Updraft.Server.Uploads;

/// <summary>
/// The conditional headers of a request, with the rules of Azure Blob Storage. The blob of an upload URL is the latest upload to it, and
/// exists from the first upload.
/// </summary>
internal sealed class UploadConditions
{
    private const string LeaseId = "x-ms-lease-id";

    private readonly StringValues _match, _noneMatch;
    private readonly DateTimeOffset? _modifiedSince, _unmodifiedSince;
    private readonly bool _hasLease;

    /// <summary>No conditions.</summary>
    public static readonly UploadConditions None = new(new HeaderDictionary());

    private UploadConditions(IHeaderDictionary headers)
    {
        (_match, _noneMatch, _hasLease) = (headers.IfMatch, headers.IfNoneMatch, headers.ContainsKey(LeaseId));
        (_modifiedSince, _unmodifiedSince) = (ReadDate(headers, HeaderNames.IfModifiedSince), ReadDate(headers, HeaderNames.IfUnmodifiedSince));
    }

    /// <summary>Whether the request has no condition.</summary>
    public bool IsEmpty => _match.Count == 0 && _noneMatch.Count == 0 && _modifiedSince is null && _unmodifiedSince is null && !_hasLease;

    /// <exception cref="ApiException">400: a date is malformed.</exception>
    public static UploadConditions Read(HttpRequest request) => new(request.Headers);

    /// <summary>Checks the conditions of a request that writes.</summary>
    /// <param name="latest">The latest upload to the URL; null without one.</param>
    /// <exception cref="ApiException">409: an upload must not exist. 412: another condition is not met.</exception>
    public void Check(BundleVersion? latest)
    {
        CheckUnchanged(latest);
        if (latest is null || !IsKnown(latest))
            return;
        if (_noneMatch == "*")
            throw BlobError.Of(UploadErrors.UploadExists, "BlobAlreadyExists",
                $"The upload URL already has the upload '{latest.Version}', and 'If-None-Match' is '*'. Finalize that version, or upload "
                + "again without the header.");
        throw _noneMatch.Count > 0 ? NotMet(HeaderNames.IfNoneMatch, _noneMatch.ToString(), latest)
            : NotMet(HeaderNames.IfModifiedSince, HeaderUtilities.FormatDate(_modifiedSince!.Value), latest);
    }

    /// <summary>Checks the conditions of a request that reads. Returns false if the client has the latest upload (304).</summary>
    /// <exception cref="ApiException">412: a condition is not met.</exception>
    public bool CheckRead(BundleVersion latest)
    {
        CheckUnchanged(latest);
        return !IsKnown(latest);
    }

    /// <summary>The entity tag of an upload.</summary>
    public static string Tag(BundleVersion version) => $"\"{version.ManifestDigest}\"";

    private void CheckUnchanged(BundleVersion? latest)
    {
        if (_hasLease)
            throw BlobError.Of(UploadErrors.ConditionNotMet, "LeaseNotPresentWithBlobOperation",
                $"The request has the header '{LeaseId}', but uploads have no leases. Leave the header out.");
        // An entity tag is the better condition, so the date counts only without one.
        if (_match.Count > 0)
        {
            if (latest is null || !Contains(_match, latest))
                throw NotMet(HeaderNames.IfMatch, _match.ToString(), latest);
        }
        else if (_unmodifiedSince is { } date && latest is not null && Modified(latest) > date)
        {
            throw NotMet(HeaderNames.IfUnmodifiedSince, HeaderUtilities.FormatDate(date), latest);
        }
    }

    private bool IsKnown(BundleVersion latest) =>
        _noneMatch.Count > 0 ? Contains(_noneMatch, latest) : _modifiedSince is { } date && Modified(latest) <= date;

    private static bool Contains(StringValues tags, BundleVersion version)
    {
        foreach (var tag in tags.ToString().Split(',', StringSplitOptions.TrimEntries))
        {
            var bare = tag.StartsWith("W/", StringComparison.Ordinal) ? tag[2..] : tag;
            // Azure Blob Storage accepts tags without quotes too.
            if (bare == "*" || bare.Trim('"') == version.ManifestDigest.ToString())
                return true;
        }
        return false;
    }

    // HTTP dates have whole seconds.
    private static DateTimeOffset Modified(BundleVersion version) =>
        version.CreatedAt.AddTicks(-(version.CreatedAt.Ticks % TimeSpan.TicksPerSecond));

    private static DateTimeOffset? ReadDate(IHeaderDictionary headers, string name)
    {
        if (!headers.TryGetValue(name, out var value))
            return null;
        return HeaderUtilities.TryParseDate(value.ToString(), out var date) ? date
            : throw BlobError.BadRequest("InvalidHeaderValue", $"The header '{name}' is '{ApiException.Shorten(value.ToString())}', but must "
                + "be an HTTP date such as 'Mon, 12 Jan 2026 18:32:20 GMT'.");
    }

    private static ApiException NotMet(string header, string value, BundleVersion? latest) =>
        BlobError.Of(UploadErrors.ConditionNotMet, "ConditionNotMet",
            $"The condition '{header}: {ApiException.Shorten(value)}' is not met. " + (latest is null
                ? "The upload URL has no upload yet."
                : $"The latest upload has the tag {Tag(latest)} and the date {HeaderUtilities.FormatDate(latest.CreatedAt)}."));
}
