"""The texts of the GraphQL queries and mutations that operate/graphql.py sends."""

LAUNCH = """mutation Launch($params: ExecutionParams!) { launchRun(executionParams: $params) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message }
  ... on RunConfigValidationInvalid { errors { message } } ... on PipelineNotFoundError { message }
  ... on InvalidSubsetError { message } } }"""
REEXECUTE = """mutation Again($params: ReexecutionParams!) { launchRunReexecution(reexecutionParams: $params) {
  __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
TERMINATE = """mutation Stop($runId: String!) { terminateRun(runId: $runId) {
  __typename ... on TerminateRunFailure { message } ... on PythonError { message } } }"""
RUN = """query Run($runId: ID!) { runOrError(runId: $runId) { __typename ... on Run {
  runId jobName status creationTime startTime updateTime endTime tags { key value } assetSelection { path }
  stepKeysToExecute stepStats { stepKey status startTime endTime } } } }"""
RUNS = """query Runs($filter: RunsFilter, $limit: Int) { runsOrError(filter: $filter, limit: $limit) { __typename
  ... on Runs { results { runId jobName status creationTime startTime updateTime endTime
    tags { key value } assetSelection { path } stepKeysToExecute } } } }"""
EVENTS = """query Events($runId: ID!, $cursor: String) { logsForRun(runId: $runId, afterCursor: $cursor) {
  __typename ... on EventConnection { cursor hasMore events { __typename
    ... on MessageEvent { message timestamp stepKey eventType }
    ... on ExecutionStepFailureEvent { error { message causes { message } } }
    ... on LogsCapturedEvent { fileKey stepKeys } } } } }"""
LOGS = """query Logs($key: [String!]!) { capturedLogs(logKey: $key) { stdout stderr } }"""
INSTIGATORS = """query Instigators($selector: RepositorySelector!) { repositoryOrError(repositorySelector: $selector) {
  ... on Repository { jobs { name } schedules { name scheduleState { status ticks(limit: 5) { status timestamp runIds } } }
    sensors { name sensorState { status ticks(limit: 5) { status timestamp runIds } } } assetNodes { assetKey { path } } } } }"""
FRESHNESS = """query Freshness($keys: [AssetKeyInput!]) { assetNodes(assetKeys: $keys) {
  freshnessStatusInfo { freshnessStatus } } }"""
SENSOR_LOG = """query Log($selector: SensorSelector!) { sensorOrError(sensorSelector: $selector) { ... on Sensor { sensorState {
  ticks(limit: 20) { status error { message } logEvents { events { message } } } } } } }"""
