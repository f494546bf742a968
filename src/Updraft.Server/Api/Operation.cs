namespace Updraft.Server.Api;

/// <summary>What a route does, by the contract's name for it: the API's description is made from these.</summary>
/// <param name="Id">The contract's <c>operationId</c>, e.g. <c>CreateDeploy</c>.</param>
/// <param name="Body">The record that the request's body is read into; null for operations without one.</param>
internal sealed record Operation(string Id, Type? Body);

/// <summary>Names the operations of routes.</summary>
internal static class OperationRoutes
{
    /// <summary>The route is this operation of the contract and reads no body.</summary>
    public static RouteHandlerBuilder Operation(this RouteHandlerBuilder route, string operationId) =>
        route.WithMetadata(new Operation(operationId, Body: null));

    /// <summary>The route is this operation of the contract and reads a <typeparamref name="TBody"/>.</summary>
    public static RouteHandlerBuilder Operation<TBody>(this RouteHandlerBuilder route, string operationId) =>
        route.WithMetadata(new Operation(operationId, typeof(TBody)));
}
