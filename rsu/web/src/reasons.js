// Why something is not as it should be, as the unit says it, in Chinese: by its code where it has one,
// else by the sentence itself. In English the unit's own words stand. A test holds codes and sentences
// against the sources that say them.

import { isChinese } from "./words.js";

/** By the codes of `error`, `findings` and what a replay says; {0} is the first value. */
const REASONS = {
  system: "{0}", "no-request": "请求无效：{0}", "too-long": "请求超过 {0} 字节。", "too-slow": "请求超时。", ending: "控制台正在结束。",
  "no-such-name": "没有该名称的内容。", "no-such-method": "不支持该方法。", kinds: "kind 应为 {0} 之一。", limit: "limit 应为 1 至 500。",
  "no-token-file": "无法更改：配置 [console] 未给出 token-file。", "token-unusable": "无法更改：令牌不可用，见日志。",
  "token-needed": "请先填写令牌。", "token-wrong": "令牌错误。",
  "no-message": "该消息不在最近的消息之中。", "not-hex": "不是成对的十六进制数字。", "not-decoded": "无法解码：{0}",
  "no-such-recording": "没有该录制文件。", "not-recorded": "此处没有录制。", "two-fetched": "已有两个文件正在下载，请稍后再试。", "no-folder": "配置 [record] 未给出 folder。",
  "no-reload": "本程序不依赖可重新读取的配置文件。", "config-wrong": "新配置有 {0} 处问题，未启用；见检查结果。", "no-orders": "此处不能下达指令：配置 [orders] 未给出 journal。",
  "replay-at-work": "{0} 正在回放：请先停止。", "replay-speed": "速度应为 0.1 至 100。",
  "replay-when": "无法理解“{0}”：请填写自起点的秒数、时刻（14:05 或 14:05:30，UTC；22:05+08:00），或 2026-11-22T14:05:30Z。",
  "not-played": "当前没有回放。", "replay-mute": "回放程序没有应答：{0}",
  // What a replay says.
  played: "生成 {0} 帧，录制 {1} 帧，逐字节一致 {2} 帧（{3} 字节）。",
  "played-with-gaps": "生成 {0} 帧，录制 {1} 帧，逐字节一致 {2} 帧（{3} 字节）；{4} 条未录制，缺 {5} 条报告。",
  "behind-end": "起点 {0} 晚于结尾：录制长 {1} 秒，自 {2} 至 {3}。", "to-before": "终点 {0} 早于录制起点 {1}。", "to-not-later": "终点 {0} 应晚于起点 {1}。",
  "cut-short": "{0}：写入未正常结束，已回放至断点。", "later-part": "这是本次运行的第 {0} 段之后的文件：起初路面为空，重新检测完之前各帧会不同。",
  "no-recording": "{0}：不是录制文件。", damaged: "{0}：第 {1} 条消息之后已损坏；mcap recover 可挽救完好部分。", "not-opened": "{0}：无法读取：{1}", "no-sense": "{0}：内容无法理解：{1}",
  "no-start": "录制不是从单元启动处开始。", empty: "录制为空。", unplayable: "无法回放：{0}", unwatched: "无人观看，已提前结束。",
  // What a check finds: in any file that people write.
  "file-unreadable": "无法读取：{0}", "not-toml": "不是有效的 TOML：{0}", missing: "缺少此项，且没有默认值",
  "must-be": "无法识别 {1}；应为：{0}", "must-be-text": "应为带引号的文本，现为 {0}", "must-be-truth": "应为 true 或 false，现为 {0}",
  "must-be-whole": "应为 {0} 至 {1} 的整数，现为 {2}", "must-be-number": "应为 {0} 至 {1} 的数，现为 {2}", "must-be-one-of": "应为 {0} 之一，现为 {1}",
  "must-be-whole-list": "应为 {0} 至 {1} 的整数列表，现为 {2}", "must-be-pairs": "应为数对列表 [[x, y], [x, y]]，现为 {0}", "must-be-texts": "应为带引号文本的列表，现为 {0}", "must-be-table": "应为表，现为 {0}",
  "unknown-key": "未知的键；此处可用：{0}", "unknown-key-meant": "未知的键；是否为 {0}？", "unknown-key-unit": "未知的键；单位写在键名中：应为 {0}", "unknown-key-none": "未知的键；此处没有可用的键",
  // In the configuration.
  "site-unreadable": "无法读取 {0}：{1}", "no-input": "未配置输入：只会发送 MAP 与 RSI", "page-for-all": "不是 127.0.0.1：能访问者可看到全部内容；请置于能识别身份的服务之后",
  "link-local": "为链路本地地址：请给出 interface，否则由内核选择", "clock-not-kept": "时钟未同步时也会发送时间；仅限实验室",
  "plan-outlasts-spat": "大于 stop-after-ms：SPAT 会先于方案时间停止", "slots-drift": "{0} ms 不能整除一秒：时隙会漂移", "retry-too-short": "{0} ms 短于一问一答所需的 {1} ms：请增大，或减小 batch",
  // On this machine.
  unfit: "无法运行：{0}", "no-recording-yet": "{0}：修复之前不会录制", "no-journal": "{0}：修复之前拒绝所有指令", "no-socket": "{0}：修复之前不能使用 rsu event",
  "no-token": "{0}：修复之前不能由控制台更改任何内容", "no-file": "{0}：会反复查找该文件", "no-password": "{0}：修复之前不会连接该代理",
  // In the site.
  "no-map": "无法生成 MAP：{0}", "name-left-out": "“{0}”不会写入 MAP：名称应为 1 至 63 个 ASCII 字符", "origin-at-zero": "经纬度均为 0，位于海上：是否未设置？", "long-piece": "{0}：第 {1} 点与第 {2} 点相距超过 {3} m",
  "wide-junction": "{0}：停止线距其通往节点 {2} 的车道 {1} m", "other-turn": "{0}：通往节点 {1} 的转向写为 {2}，而车道走向为 {3}",
  "conflict-not-listed": "相位 {0} 与 {1} 的路径相交或汇合，却未列为冲突：两者可能同时以绿灯播发", "far-from-node": "{0}：端点距路口节点 {1} m",
  "unusual-width": "{0} 宽 {1} m，对机动车而言少见", "ends-apart": "{0} 与车道 {1} 的端点沿道路相差 {2} m", "lane-gap": "{0} 与车道 {1} 之间有 {2} m 空隙", "lanes-overlap": "{0} 与车道 {1} 重叠 {2} m：宽度是否正确？",
  "wrong-side-of-node": "{0} 的停止线或起点越过路口节点 {1} m", "lanes-cross": "{0} 在路口之外与 {1} 相交：坐标点是否正确？",
  "map-link-left-out": "路段“{0}”过长，未写入 MAP", "map-line-cut": "{0}：弯道过多，MAP 只含靠近路口的 {1} m（全长 {2} m）", "map-link-cut": "{0}：消息容量不足，MAP 只含靠近路口的 {1} m（全长 {2} m）",
};

/** Sentences without a code, and parts of such; what {0} stands for is put into words in the same way. */
const PHRASES = [
  ["closed by the device", "设备已关闭连接"], ["no device has connected", "没有设备连接"], ["gone", "已断开"], ["lost: {0}", "连接丢失：{0}"],
  ["cannot connect to {0}: {1}", "无法连接 {0}：{1}"], ["cannot listen on {0}: {1}", "无法监听 {0}：{1}"], ["cannot receive: {0}", "无法接收：{0}"],
  ["cannot open {0}: {1}", "无法打开 {0}：{1}"], ["cannot read the password in {0}: {1}", "无法读取口令文件 {0}：{1}"], ["cannot read {0}: {1}", "无法读取 {0}：{1}"],
  ["the environment has no text in {0}", "环境变量 {0} 没有内容"], ["the broker refuses a subscription", "代理拒绝订阅"], ["this program has no SocketCAN", "本程序不含 SocketCAN"],
  ["{0} MB are free and `keep-free-mb` is {1}: remove files or lower `quota-mb`", "剩余 {0} MB，而 keep-free-mb 为 {1}：请清理文件或减小 quota-mb"],
  ["it must be {0} to {1} letters, digits or signs of ASCII", "令牌应为 {0} 至 {1} 个 ASCII 字母、数字或符号"],
  ["is no ordinary file", "不是普通文件"], ["something that is no socket is there", "该处已有其他文件"],
  ["no MAP was sent lately", "最近没有发出 MAP"], ["no target of the radio takes frames", "没有发送目标接收帧"], ["nothing is on the air: {0} is played back", "不在广播：正在回放 {0}"],
  ["timers of the heart: {0}", "主线程定时器：{0}"], ["heart on core {0}: {1}", "主线程绑定核 {0}：{1}"], ["real-time priority {0} of {1}: {2}", "{1} 的实时优先级 {0}：{2}"], ["memory lock: {0}", "内存锁定：{0}"],
  ["the content breaks a rule of the message", "内容违反消息规则"], ["the message cannot be encoded in 1400 bytes", "消息超过 1400 字节"], ["the message does not fit into a frame", "消息放不进一帧"],
];

/** The system's own errors, by their numbers. */
const ERRORS = { 1: "不允许的操作", 2: "没有该文件或目录", 5: "输入输出错误", 6: "没有该设备", 13: "权限不足", 16: "设备忙", 17: "已存在", 19: "没有该设备", 20: "不是目录", 21: "是目录",
  22: "参数无效", 24: "打开的文件过多", 28: "磁盘已满", 30: "文件系统只读", 98: "地址已被占用", 99: "本机没有该地址", 100: "网络中断", 101: "网络不可达", 104: "连接被对方重置",
  110: "连接超时", 111: "连接被拒绝", 113: "没有到该主机的路由", 122: "超出磁盘配额" };

const forms = PHRASES.map(([english, chinese]) => {
  const pieces = english.split(/\{\d\}/).map((piece) => piece.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return [new RegExp(`^${pieces.join("(.+?)")}$`, "s"), chinese];
});

const fill = (words, values) => words.replace(/\{(\d)\}/g, (_, place) => phrase(values[place] ?? ""));

/** A sentence of the unit's, in the language of who reads, as far as we have it. */
export function phrase(text) {
  if (!isChinese()) return text;
  for (const [form, chinese] of forms) {
    const found = text.match(form);
    if (found) return fill(chinese, found.slice(1));
  }
  return text.replace(/[A-Z][^:()]* \(os error (\d+)\)/g, (whole, number) => ERRORS[number] ?? whole);
}

/** A reason with its code and values. */
export function reason({ code, values, text }) {
  const words = isChinese() && REASONS[code];
  return words ? fill(words, values) : phrase(text);
}

/** What was refused over the API. */
export const refusal = ({ error, code, values }) => reason({ code, values, text: error });
