"""Words for the topics of a refusal: rates, sizes, spam, lists, TLS, authentication, names. Pure.

The notation is that of :mod:`exporter.diagnosis.replies.concepts.lexicon`.
"""

from __future__ import annotations

from typing import Final

TOPICS: Final = {
    "TOOMANY": (
        "mehr_als mas_de piu_di mais_de wiecej_niz meer_dan более_чем enough_for_today enough_today genug_für_heute"
        " few no_more_recipients no_more_rcpts enough_recipients more_than too_many too_much so_many so_much"
        " excessive excess excessively overuse zu_viel zu_viele zuviele zuviel trop demasiad* exces* muitos muitas"
        " excesso tropp* eccess* zbyt_wiele zbyt_duzo zaduzo te_veel teveel слишком_много превыш* 过多 太多 過多"
        " 多すぎ 超过限制 超出限制 超过 超出 너무"
        " çok_fazla cok_fazla för_många for_mange tul_sok túl_sok túl_nagy prea_multe prilis_mnoho příliš_mnoho"
        " забагато занадто_багато terlalu_banyak quá_nhiều liian_monta liian_paljon buried drowning drowned swamped"
        " snowed_under inundated flooded hang_up_some close_some drop_some lines_open sessions_open connections_open"
        " wear_out call_it_day"
        " drowns swamps floods_of"
    ),
    "PACE": (
        "haste hurry eile prisa fretta hammer* cool pause slow slower slowly fast faster quick* often frequent*"
        " frequency throttl* rate rates ratelimit* flood* burst simultaneous* concurren* parallel per_minute"
        " per_hour per_day hourly daily per_second minute_from at_once one_go at_time one_at same_time pace häufig*"
        " schnell gleichzeitig* langsamer tempo vite simultane* frequen* debit ralent* frecuen* simultan* rapid*"
        " velocidad rapido velocidade velocemente jednoczesn* czesto szybko limit gelijktijdig* vaak snel част*"
        " одновремен* быстр* лимит* скорост* 频繁 頻繁 频率 過快 过快 太快 并发 限速 次数 頻度 同時 速すぎ 동시 빈도"
        " 자주"
        " hasty hastily rush rushing impatient slow_down ring_once once_in once_every breathe breather yavas yavaş"
    ),
    "LIMIT": (
        "budget ration tagesmenge tageslimit tageskontingent stundenlimit kontingent spent limit limits limited"
        " maximum max allowance quota threshold already exceed* reached numbers grenze limite limites limiet lim*"
        " 限制 上限 制限 한도"
        " ration rations rationed share shares portion stundenkontingent* tageskontingent* monatskontingent*"
        " kontingent* quote lot_for sinir sinir* siniri gräns* grense* graense* limita límit* limit_překročen ліміт*"
        " batas giới_hạn"
        " cupo plafond tope ration tagesration"
    ),
    "COUNTED": (
        "briefe lettres cartas lettere letter letters times users connection* session* message mails messages"
        " recipients rcpts rcpt mail commands deliveries attempts errors requests verbindungen nachrichten empfänger"
        " connexions destinataires conexiones mensajes destinatarios conexoes mensagens connessioni messaggi"
        " destinatari polaczen wiadomosci verbindingen berichten соединений писем 连接 邮件 发送 接続 メール 送信"
        " envelopes envelope lines parcels mektup ileti iletiler mesaj mesajlar meddelanden beskeder meldinger"
        " uzenet* üzenet* mesaje zprav zpráv листів повідомлень pesan"
    ),
    "PERIOD": (
        "day_share hour_share briefe_tag mails_tag nachrichten_tag this_minute this_hour this_day this_week today"
        " last_minute last_hour last_day past_minute past_hour past_day per_minute per_hour per_day per_week"
        " each_minute each_hour each_day every_minute every_hour every_day within_minute within_hour within_day"
        " hourly daily tages* pro_minute pro_stunde pro_tag je_stunde diese_stunde dieser_stunde heute stündlich"
        " par_minute par_heure par_jour aujourd cette_heure por_minuto por_hora por_dia esta_hora hoy hoje al_minuto"
        " all_ora al_giorno oggi na_minute na_godzine dziennie dzis per_minuut per_uur per_dag vandaag в_минуту"
        " в_час в_день в_сутки за_час за_сутки сегодня 每分钟 每小时 每小時 每天 每日 当天 今天 今日 本小时 毎分"
        " 毎時 毎日 分間に 時間に 時間あたり 시간당 하루 오늘"
        " since_midnight since_morning stundenkontingent* tageskontingent* stundenlimit* this_morning day_so"
        " next_hour next_minute in_hour in_day in_minute saatte saatlik gunluk günlük dakikada bugün per_timme"
        " per_time per_dygn i_dag idag orankent óránként naponta pe_ora pe_zi za_hodinu za_den denne per_jam per_hari"
    ),
    "TIMES": "times fois veces vezes volte razy",
    "LONG": (
        "since years months ages seit jahren monaten depuis ans mois desde anos meses da_anni da_mesi od_lat"
        " od_roku sinds jaren maanden лет месяц* 多年 长期 年間 長期間"
    ),
    "LISTS": "lists listings listes listen listas liste spisk* spiski lijsten списк* 列表 リスト",
    "SIZE": (
        "zu_lang too_long trop_long demasiado_largo troppo_lungo te_lang größe* überschreit* weigh weighs large"
        " larger big bigger size sizes oversize* bytes kilobytes megabytes megabyte mb kb mib heavy fat huge bulky"
        " gross grosse grosser grose groß großer volumineu* lourd taille octets grande grandes tamano pesad* pesa"
        " tamanho dimension* pesante duz* rozmiar* wielkosc* groot grootte размер* велик* больш* 过大 太大 大小 過大"
        " 大きすぎ サイズ 크기"
        " longer_than heavier_than heavier"
    ),
    "SPAM": (
        "bulkmail payload evil infek* zainfek* phish phrases infett* infizier* pelig* peligros* spam* junk"
        " rubbish trash garbage ube uce unsolicited bulk virus viruses trojan* malware worm phish* scam* infect*"
        " malicious abus* suspicious harmful botnet compromised hacked misbehav* naughty nasty attack* hijack*"
        " zombie exploit unwanted dangerous infected werbung werbe* schadsoftware schadcode missbrauch verseucht"
        " viren* pourriel* malveillant* abusi* basura no_deseado no_solicitado malicios* lixo indesejad*"
        " spazzatura indesiderat* smiec* niechcian* wirus* zlosliw* ongewenste спам* вирус* нежелательн*"
        " вредонос* 垃圾 病毒 违规 違規 恶意 敏感 可疑 广告 迷惑 ウイルス ウィルス スパム 스팸 바이러스 악성"
        " istenmeyen skräppost skrappost søppelpost uonsket uønsket kéretlen keretlen nevyzadan* nevyžádan* небажан*"
        " thư_rác roskaposti"
        " advert adverts advertis* commercials sales_pitch"
    ),
    "LISTED": (
        "schlechten_ruf schlechter_ruf mala_fama bad_name ill_repute unblock* removal blacklist* black_list"
        " black_lists black_listed blocklist* block_list block_lists block_listed denylist* deny_list deny_lists"
        " badlist* rbl rbls dnsbl dnsbls reputation* naughty_list bad_list wall_of_shame shitlist killfile kill_file"
        " delist* sperrliste* schwarze_liste schwarzen_liste gelistet liste_noire listes_noires lista_negra"
        " listas_negras lista_nera zwarte_lijst czarn* черн* 黑名单 黑名單 ブラックリスト 信誉 信誉度 评分"
        " 블랙리스트 평판"
        " karma notoriety notorious ill_fame bad_standing poor_standing bad_record black_book bad_books kara_liste"
        " kara_listede kara_listemizde kara_listesinde kara_listeye karaliste* svartlist* svartelist* sortlist*"
        " feketelist* lista_neagra cerna_listina mustalista* mustalla_listalla чорн* daftar_hitam danh_sách_đen 信用度"
        " 信用が"
        " cerne_listine cerne_listiny cernou_listinu"
        " liste_de_blocage liste_blocage lista_de_bloqueo lista_bloqueo lista_bloqueos lista_de_bloqueios"
        " lista_blocco lista_di_blocco blokkeerlijst* blokkadelijst* liscie_blokowanych lista_blokowanych liste_rouge"
    ),
    "SCORE": "score scored points punkte puntos punti баллов",
    "POLICY": (
        "policy policies rule rules guideline guidelines regulation* terms security compliance administrator"
        " administrative richtlinie* regel regeln politique regles reglement securite politica* reglas normas"
        " regras regol* zasad* regul* polityk* beleid regels beveiliging правил* политик* безопасност* 策略 规则"
        " 規則 政策 规定 安全 ポリシー 規約 정책 규칙"
    ),
    "RELAY": (
        "forwards relay relays relayed relaying relayer forwarder third_party thirdparty through thru weiterleit*"
        " fremde_domain fremde_domains relais relaie relaye* reenvi* retransmi* encaminh* inoltr* przekazyw*"
        " przekaz* doorstu* пересыл* ретрансл* релей 转发 轉發 中继 中継 릴레이 중계"
    ),
    "CARRY": (
        "管理外 対象外 管轄外 atend* gerons gestionamos gestiamo gestisc* servimos betreuen verwalten bedienen"
        " responsib* carry handle handles hosting hosted serve serves responsible own local ours one_mine one_ours"
        " mine authoritative zuständig hebergeons heberg* hospeda* aloj* gestit* ospit* obsluguj* обслужива* 托管"
        " 本地 管理して 扱って"
        " station stations last_stop last_station final_stop final_destination end_station terminus post_office_for"
        " next_hop middle_station"
        " betreut verwaltet bedient gehostet atiend* gestionad* alojad* hospedad* gere geres obsługiw* beheerd"
        " bedienen_wir"
        " 不负责 不負責 不托管 不属于 不處理 不处理"
    ),
    "LOOP": (
        "loop loops looping looped cycle cycles circular circles round_and hop hops for_ever forever mailloop"
        " mail_loop schleife* mailschleife boucle* bucle* ciclo petla petl* lus петл* зацикл* 循环 环路 循環"
        " ループ 루프"
    ),
    "TLS": (
        "secure_your secure_session secure_link secure_transport unprotected unsecured insecure tls ssl starttls"
        " encrypt* unencrypted cipher ciphers cleartext plaintext clear_text plain_text secure_channel"
        " secured_channel secure_connection secured_connection verschlüssel* unverschlüssel* chiffr* crypte*"
        " cifrad* encript* criptograf* crittograf* cifrat* szyfrowan* niezaszyfrowan* versleuteld* versleutel*"
        " шифр* 加密 暗号 암호화"
        " negotiated_bit negotiated_bits bit_wanted bits_wanted bit_required bits_required negotiated_cipher"
        " key_length key_size cipher_strength sifreleme şifreleme krypter* kryptering titkosit* titkosít* criptat*"
        " sifrovan* šifrován* шифрув* enkripsi mã_hóa salattu"
        " secured_line secure_line secure_enough handshake bit_cipher bit_key short_key"
        " in_clear"
    ),
    "AUTH": (
        "password passwords passwort kennwort login logins logon log_in sign_in credential* authenticat*"
        " authentication unauthenticated anmelden anmeldung angemeldet authenti* mot_passe mot_de_passe"
        " identifiez identification contrasena autentic* credencial* senha autentica* haslo logowan* zaloguj"
        " uwierzyteln* wachtwoord aanmeld* inlogg* парол* авториз* аутентиф* 认证 登录 登錄 密码 認証 認證"
        " パスワード ログイン 로그인 비밀번호"
        " sasl parola_gerekli kimlik_dogrulama kimlik_doğrulama oturum_aç giris_yap inloggning logga_in inlogget"
        " logg_inn bejelentkez* hitelesit* hitelesít* autentific* prihlasen* přihlášen* prihlas* overeni ověření"
        " автентифік* otentikasi xác_thực kirjaudu"
        " identifiquese identifique identificati autentiquese inicie_sesion effettua_accesso inloggen log_on_first"
    ),
    "RDNS": (
        "reverse ptr rdns reverse_dns reverse_lookup reverse_name reverse_record reverse_entry reverse_zone"
        " inverse_dns dns_inverse dns_inverso nameless reverse_mapping rückwärtsauflosung revdns odwrotn* 反向"
        " 逆引き 역방향"
    ),
    "NAME": (
        "localhost localdomain name names hostname fqdn dns resolve resolves resolved resolvable record namen"
        " namens nom nombre nome nazw* naam имя имени имен днс 域名 解析 名前 ホスト名"
        " calls_itself called_itself call_itself calling_itself answers_name"
        " rechnername* hostname_ungueltig servername* hostnamen nom_hote nombre_host nombre_equipo nome_host"
        " nazwa_hosta computernaam hostnaam 主机名 主機名"
    ),
    "HELO": (
        "helohost heloname name_you you_gave you_give greeting helo ehlo my_name our_name my_own_name our_own_name"
        " own_name full_name fully_qualified hello_name impersonat* identify introduce introduced greeted"
        " call_yourself mein_name mon_nom mi_nombre"
    ),
    "LIE": "lie lies lying liar pretend* forge* forged fake faking claim claims claiming imposter impostor fals*",
    "SPF": (
        "author_domain publish* spf dkim dmarc signature signatures signed forgery spoof* unaligned alignment"
        " signatur* firma podpis* подпис* 伪造 冒充 偽造 なりすまし"
    ),
    "NULLSENDER": (
        "nullsender null_sender empty_sender empty_from bounce bounces bounced dsn dsns null_return empty_return"
        " empty_reverse null_reverse without_return_path without_return empty_envelope leerer_absender"
        " expediteur_vide"
    ),
    "NEW": (
        "kennen noch_nicht pas_encore незнаком* new stranger strangers first_time first_contact first_delivery"
        " first_attempt first_visit first_meeting unfamiliar not_know_you know_you not_met not_seen never_seen"
        " never_met yet greylist* gray* grey* erstkontakt erstmals premiere_fois primera_vez prima_volta"
        " primeira_vez pierwszy eerste_keer впервые 首次 第一次 灰名单 初めて 初回 처음"
    ),
    "SENDONLY": (
        "send_only sendonly only_sends sends_only only_send outbound_only outgoing_only only_outbound"
        " only_outgoing nur_versand"
    ),
    "INBOUND": (
        "inbound incoming reception receipt receiving eingang empfang recepcion ricezione przychodzac* входящ*"
        " приём* прием*"
        " posteingang mailempfang mailannahme emailempfang"
    ),
    "ACCEPTING": "accepting taking",
    "SESSION": (
        "session sessions connection connections verbindung sitzung connexion session_smtp conexion sesion"
        " conexao sessao connessione sessione polaczenie sesja verbinding sessie соединение сеанс 连接 接続 세션"
    ),
    "ENDED": (
        "terminated ended closed finished beendet geschlossen getrennt terminee fermee terminada cerrada chiusa"
        " zakonczon*"
        " aborted terminated abandoned dropped abgebrochen interrompue interrotta przerwan*"
    ),
    "SMTP": (
        "mailer メールサーバ 邮件服务器 郵件伺服器 smtp esmtp mailserver mail_server mail_service mail_services"
        " mailservice mx exchanger mail_host mailhost"
    ),
    "DURATION": (
        "minute minutes min mins second seconds sec secs minuten sekunden secondes minutos segundos minuti"
        " secondi minut* sekund* seconden минут* секунд* 分钟 分鐘 秒 分後 분"
    ),
    "THIS": (
        "this these that those dies* ce cet cette cest este esta estos questo questa ten ta tego deze dit этот"
        " это данн* 本 该 此 この 이"
    ),
    "MATCH": (
        "differ* disagree* contradict* match matches matching mismatch* forward backward backwards inconsistent"
        " consistent agree agrees stimmt ubereinstimm* correspond* coincid* corrispond* совпада* 一致"
        " lives_at lives_elsewhere points_at name_points points_elsewhere points_back name_leads leads_elsewhere"
        " leads_back name_belongs"
    ),
    "TAKE": (
        "reads recibimos handled processed accept accepts receive receives take takes handle handles want wants"
        " process processes nimmt nehmen annehm* angenommen empfang* recoit recoivent accepte recibe acepta admite"
        " recebe aceita riceve accetta przyjmuje odbiera ontvangt accepteert neemt принимает получает 接收 受信"
        " 受け付け 수신"
        " gets get delivered delivers deliver"
        " read reads"
    ),
    "NOTALLOW": (
        "受信しません 受け付けません 受け取りません 受け付けておりません 不接收 不收 不接受 不提供 未提供"
        " 受信してい 受け付けてい 受け取ってい 수신하지 받지"
    ),
    "OUTGOING": (
        "outgoing outbound smtp_out smtpout sending ausgehend* sortant* saliente* uscita wychodzac* исходящ*"
        " 送信専用 外发"
    ),
    "NOSMTP": (
        "not_mail_server not_mailserver not_mail_exchanger not_mx not_mail_host not_smtp_server not_mail_system"
        " no_smtp no_mail_server no_mailserver no_mail_service no_mailservice no_mail_host no_mta not_mta"
        " kein_mailserver keinen_mailserver keinen_maildienst kein_maildienst kein_smtp pas_serveur_mail"
        " pas_serveur_messagerie pas_de_messagerie no_es_servidor non_server_mail не_почтовый"
    ),
    "RIGHT": (
        "allowed permitted permission* authori* entitled eligible berechtigt befugt erlaubt autoris* autoriz*"
        " autorizz* uprawnion* bevoegd gerechtigd разрешено 授权 許可"
    ),
    "NOMAIL": (
        "nie_ma_poczty no_mail no_mails no_email no_messages no_deliveries keine_mail keine_mails pas_mail"
        " pas_de_mail no_hay_correo sin_correo nessuna_posta nao_ha_correio brak_poczty geen_mail нет_почты"
    ),
    "PEER": (
        "client clients peer peers ip ips ipv4 ipv6 subnet subnets netblock connection connections session"
        " sessions asn network networks range ranges neighbourhood neighborhood verbindung* netz netzwerk"
        " anschluss connexion* reseau conexion conexiones conexao conexoes red rede connession* rete polaczeni*"
        " siec sieci verbinding* netwerk соединени* подключени* сети сеть 连接 連線 网段 接続 접속"
    ),
    "SUPPORT": "support supports supported offer offers offered capable",
    "SYNTAX": "syntax malformed garbled unparseable syntaxe sintax* sintass* skladni* синтакс* 语法 格式 構文 형식",
}
