namespace Updraft.Protocol.Api;

/// <summary>
/// Response to an upload whose request has <c>Accept: application/json</c>. Other clients get the same facts in headers, without a body.
/// </summary>
public sealed record UploadResponse
{
    /// <summary>Version of the upload. Finalize the deploy with it.</summary>
    public required string Version { get; init; }

    /// <summary>Facts about the archive that can surprise its user; empty without any.</summary>
    public required IReadOnlyList<UploadWarningResponse> Warnings { get; init; }
}

/// <summary>A fact about an uploaded archive that can surprise its user. The upload is accepted nevertheless.</summary>
public sealed record UploadWarningResponse
{
    /// <summary><c>unmounted_files</c>, <c>bytecode_left_out</c> or <c>similar_names</c>.</summary>
    public required string Code { get; init; }

    /// <summary>A sentence for users, with the number and the first names.</summary>
    public required string Message { get; init; }

    /// <summary>Number of files or names.</summary>
    public required int Count { get; init; }

    /// <summary>The first names, at most five.</summary>
    public required IReadOnlyList<string> Names { get; init; }
}
