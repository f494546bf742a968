namespace Updraft.Server.Api;

/// <summary>
/// A failure of the object store: it does not respond, or it rejects the request. The message is for callers. The inner exception has the
/// store's own message, for the log.
/// </summary>
internal sealed class BlobStoreException(string message, Exception? cause = null) : Exception(message, cause)
{
    public static BlobStoreException Unreachable(Exception cause) => new("The server cannot reach its object store.", cause);

    public static BlobStoreException Refused(string code, Exception cause) =>
        new($"The object store rejects the server's credentials ({code}). An operator must check them.", cause);

    public static BlobStoreException Missing(string kind, Exception cause) =>
        new($"The {kind} of the object store does not exist. An operator must create it, or correct Storage:Url.", cause);

    public static BlobStoreException Failed(string code, Exception cause) => new($"The object store failed ({code}).", cause);

    public static BlobStoreException Replaced(Exception? cause) => new("A blob was replaced while the server read it.", cause);
}
