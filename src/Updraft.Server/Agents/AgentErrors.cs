using Updraft.Server.Api;

namespace Updraft.Server.Agents;

/// <summary>Errors of the requests of agents.</summary>
internal static class AgentErrors
{
    public static readonly ErrorCode NotAnAgentToken = new("not_an_agent_token", StatusCodes.Status403Forbidden,
        "The route is for agents, and the token is not an agent token.",
        "Create an agent token for the Deployment, and start the agent with it.");

    public static readonly ErrorCode TooManyAgents = new("too_many_agents", StatusCodes.Status409Conflict,
        "The Deployment already has 'Agents:MaxPerDeployment' agents.",
        "Stop agents that are not needed. The server forgets them after 'Agents:RememberFor'. Or raise the setting.");
}
