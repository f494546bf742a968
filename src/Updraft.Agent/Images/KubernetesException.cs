using System.Net;

namespace Updraft.Agent.Images;

/// <summary>The cluster rejected a request, or cannot be used.</summary>
/// <param name="status">HTTP status of the response; null if there was none.</param>
/// <param name="message">Reason, for the user who deployed.</param>
/// <param name="cause">Inner exception; null for none.</param>
internal sealed class KubernetesException(HttpStatusCode? status, string message, Exception? cause = null) : Exception(message, cause)
{
    public HttpStatusCode? Status => status;
}
