namespace Updraft.Server.Api;

/// <summary>The operation of a route. The OpenAPI description of the API is generated from these.</summary>
/// <param name="Id">The contract's <c>operationId</c>, e.g. <c>CreateDeploy</c>.</param>
/// <param name="Body">The type of the request body; null for operations without one.</param>
internal sealed record Operation(string Id, Type? Body);

/// <summary>Declares the operations of routes.</summary>
internal static class OperationRoutes
{
    /// <summary>Declares an operation without a request body.</summary>
    public static RouteHandlerBuilder Operation(this RouteHandlerBuilder route, string operationId) =>
        route.WithMetadata(new Operation(operationId, Body: null));

    /// <summary>Declares an operation with a request body.</summary>
    public static RouteHandlerBuilder Operation<TBody>(this RouteHandlerBuilder route, string operationId) =>
        route.WithMetadata(new Operation(operationId, typeof(TBody)));
}
