namespace Updraft.Server.Storage;

/// <summary>
/// Stores blobs under keys such as <c>packs/cm…</c> (<see cref="BlobKey"/>). A blob is visible completely or not at all, even after a
/// crash. A blob is durable when <see cref="IBlobWriter.CommitAsync"/> returns. A method throws <see cref="Api.BlobStoreException"/> if
/// an object store is unreachable or rejects the request.
/// </summary>
internal interface IBlobStore
{
    /// <summary>Starts a blob. It becomes visible when the writer commits, and then replaces an existing blob.</summary>
    Task<IBlobWriter> CreateAsync(string key, CancellationToken cancellationToken);

    /// <summary>
    /// Opens a blob for reading; the stream is seekable. If the blob is replaced or deleted in the meantime, the stream returns the
    /// content that it opened, or fails. It never mixes two contents.
    /// </summary>
    /// <exception cref="FileNotFoundException">The blob does not exist.</exception>
    Task<Stream> OpenAsync(string key, CancellationToken cancellationToken);

    /// <summary>Length in bytes; null if the blob does not exist.</summary>
    Task<long?> LengthAsync(string key, CancellationToken cancellationToken);

    /// <summary>Deletes a blob. A missing blob is not an error.</summary>
    Task DeleteAsync(string key, CancellationToken cancellationToken);

    /// <summary>Deletes every blob whose key starts with a prefix. The prefix must end in <c>/</c>.</summary>
    Task DeleteAllAsync(string prefix, CancellationToken cancellationToken);

    /// <summary>
    /// Creates a URL that allows everyone who has it to read the blob for a limited time. It does not check that the blob exists. Null if
    /// the store cannot create such URLs.
    /// </summary>
    Task<Uri?> ShareAsync(string key, TimeSpan lifetime, CancellationToken cancellationToken);

    /// <summary>Throws if the store cannot write a blob now.</summary>
    Task CheckAsync(CancellationToken cancellationToken);
}

/// <summary>Writes one blob. Disposing without a commit discards the content.</summary>
internal interface IBlobWriter : IAsyncDisposable
{
    /// <summary>The content; seekable.</summary>
    Stream Content { get; }

    /// <summary>Makes the blob visible and durable.</summary>
    Task CommitAsync(CancellationToken cancellationToken);
}
