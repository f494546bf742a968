using System.Net;

namespace Updraft.Agent.Images;

/// <summary>The cluster refuses something, or cannot be used. The message is for whoever deployed.</summary>
/// <param name="status">The answer's status; null when there was none.</param>
internal sealed class KubernetesException(HttpStatusCode? status, string message, Exception? cause = null) : Exception(message, cause)
{
    public HttpStatusCode? Status => status;
}
