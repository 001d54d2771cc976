"""What the words of a refusal are about: concepts, and the words for each in the languages that servers speak.

Written in the plain form of :mod:`exporter.diagnosis.replies.words`, umlauts apart, which servers spell in two ways.
`stem*`: however the word ends; `two_words`: one after the other. Scripts without spaces are found anywhere in a row of
characters. A word may stand for several concepts. German, French, Spanish, Portuguese, Italian, Polish, Dutch, Russian,
Chinese, Japanese and Korean follow the English, in this order, where a concept is known to be spoken of in them.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

# Who and what is spoken of.
_SUBJECTS: Final = {
    "YOU": (
        "du dir you your yours yourself u ihr ihre ihrer ihrem ihren ihres sie dein* deine* votre vos vous su sus"
        " usted tu seu sua voce tuo tua vostr* panstwa twoj* twoja wasz* uw jouw jullie ваш* вы вам вас вами 您 你"
        " 貴 あなた 御社 귀하 귀사 당신"
        " siz sizin size sunucunuz* adresiniz* adresinizden din ditt dina deres dere vas vase vaš* váš vaše"
        " az_ön dvs dumneavoastra adresa_dvs вашого вашої ваша вам anda kamu"
    ),
    "HOST": (
        "host hosts machine machines client clients peer peers mta mtas network networks subnet subnets netblock"
        " netblocks ip ips ipv4 ipv6 connection connections connect connecting session sessions asn isp isps"
        " computer computers hostname neighbourhood neighborhood range block_of_addresses cidr hoster datacenter"
        " data_centre rechner rechners verbindung* netz netzwerk netzbereich* netzblock* anschluss ip-adresse"
        " gegenstelle einlieferung* connexion* reseau hote* poste conexion conexiones conexao conexoes red rede"
        " equipo maquina connession* rete macchina polaczeni* siec sieci hosta verbinding* netwerk соединени*"
        " подключени* сети сеть хост* узел узла 连接 連線 连线 主机 主機 网段 接続 ホスト 접속 연결"
        " sunucunuz sunucu* makine* ip_adresi bağlanti* baglanti* anslutning* forbindelse* tilkobling* kapcsolat*"
        " gazdagep* conexiunea spojeni* spojení* připojení* єднанн* підключенн* koneksi kết_nối yhteys yhtey*"
    ),
    "COUNTRY": (
        "abroad overseas foreign ausland étranger extranjero estero zagranic* buitenland рубеж* 境外 country"
        " countries region continent geo* nation land länder pays pais paese kraju kraj landen страны стран 国家"
        " 地区 海外 国外 国"
    ),
    "PROVIDER": "provider providers isp isps hoster",
    "SERVER": (
        "systeme systemen server servers mailserver mailservers system systems service services site gateway"
        " exchanger dienst dienste mailsystem serveur* servidor* serwer* servizio servico servicio usluga сервер*"
        " служб* 服务器 伺服器 服务 系统 系統 サーバ サーバー サービス システム 서버 서비스 시스템"
    ),
    "WE": (
        "we our ours us my mine i me wir uns unser* nous notre nos nosotros nuestr* nosso nossa nostro nostra noi"
        " nasz* nas wij ons onze мы наш* нам нас 我们 本站 本系统 当社 当方 弊社 저희 우리"
    ),
    "RCPT": (
        "box 收件 folder mailfolder maildir skrzync* maildrop mail_drop recipient recipients rcpt rcpts mailbox"
        " mailboxes inbox account accounts user users username addressee addressees letterbox postbox alias"
        " aliases customer subscriber person employee receiver recipiant student staff mail_box forward_path"
        " empfänger* postfach postfachs benutzer benutzername konto teilnehmer nutzer adressat briefkasten"
        " mitarbeiter destinataire* utilisateur* boite boites compte comptes correspondant* abonne messagerie"
        " destinatari* usuari* buzon buzones cuenta cuentas casilla caixa conta contas utente utenti casella"
        " caselle odbiorc* adresat* uzytkownik* skrzynk* konta ontvanger* gebruiker* postbus brievenbus"
        " получател* пользовател* ящик* абонент* адресат* учетн* аккаунт* 收件人 收件者 用户 用戶 邮箱 郵箱 信箱"
        " 账号 账户 帐号 帐户 帳號 使用者 对方 宛先 受信者 ユーザ メールボックス アカウント メールアドレス 利用者"
        " 수신자 받는 사용자 계정 메일함"
        " alici alici alicinin kullanici* kullanici* posta_kutusu kutusu mottagare* modtager* mottaker* brevlåda*"
        " brevlada postkasse* postkassen cimzett* címzett* felhasznalo* felhasználó* postafiok* postafiók*"
        " destinatar* utilizator* casuta căsuța prijemce příjemce uzivatel* uživatel* schrank* schránk* отримувач*"
        " одержувач* користувач* скриньк* поштова_скринька penerima pengguna kotak_surat người_nhận vastaanottaj*"
        " postilaatikko"
    ),
    "PERSON": "person people name colleague colleagues one someone employee personne persona pessoa osoba",
    "ADDRESS": (
        "address addresses adresse adressen addr direccion direcciones indirizzo indirizzi endereco enderecos"
        " adres* адрес* 地址 アドレス 주소"
    ),
    "SENDER": (
        "sender senders originator mailfrom return_path reverse_path return_address envelope_from from_address"
        " absender* expediteur* emetteur* remitente* remetente* mittente nadawc* afzender* отправител* 发件人"
        " 寄件人 发信人 發件人 寄件者 差出人 送信者 送信元 발신자 보낸"
        " gonderen gönderen gonderici* gönderici* avsändare* avsandare afsender* avsender* felado* feladó* expeditor*"
        " odesilatel* odesílatel* відправник* pengirim người_gửi lähettäj*"
    ),
    "FROM": "from",
    "DOMAIN": (
        "destination destinations domain domains domane domaine* domini* domeny domena domein домен* 域名 域"
        " ドメイン 도메인"
        " alan_adi alan_adi domän domäne* domene* doména domén* domeniu* tartomany* tartomány*"
    ),
    "MAIL": (
        "mailing mailings delivery deliveries mail mails message messages msg letter letters correspondence post"
        " nachricht* sendung zustellung courrier* courriel* mensaje* correo* mensage* mensagem messagg* posta"
        " wiadomos* poczt* bericht* письм* сообщени* почт* 邮件 郵件 信件 メール 메일"
        " posteingang mailempfang mailannahme briefe brief eposta iletiler epost levél level posta*"
        " zpráv* пошта пошту лист surat thư"
    ),
    "CONTENT": (
        "anlage anlagen archives document documents macro macros adjunta pieza_adjunta content contents body"
        " attachment attachments subject header headers mime file files text words link links url urls extension"
        " extensions archive inhalt* anhang anhänge betreff dateityp datei contenu* objet piece_jointe fichier*"
        " contenid* adjunt* asunto archivo archivos conteudo anexo* assunto arquivo* contenut* allegat* oggetto"
        " zalacznik* tresc tresci temat inhoud bijlage* onderwerp вложени* содержи* содержани* тем* файл* 内容 附件"
        " 主题 標題 标题 添付 件名 本文 첨부 본문"
    ),
    "BACKEND": (
        "database databases db ldap directory disk disks filesystem file_system spool queue queues backend"
        " back_end daemon milter milters scanner antivirus anti_virus policyd amavis clamav clamd spamd rspamd"
        " redis mysql sql nfs dovecot lmtp socket memory resource resources lookup lookups table tables node"
        " storage_node volume process processes fork partition policy_service policy_server policy_backend"
        " policy_daemon content_filter spamassassin datenbank festplatte verzeichnisdienst speicherfehler"
        " base_donnees base_de_donnees disque base_datos base_de_datos disco banco_de_dados banco_dados dysk*"
        " baza bazy schijf баз* диск* 数据库 資料庫 磁盘 硬盘 队列 データベース ディスク キュー 데이터베이스"
        " 디스크"
        " licence license licence_server license_server virus_scanner spam_scanner plugin plugins module modules"
        " veritabani veritabani databas databasen adatbazis baza_de_date databaze databáze basis_data"
        " spam_engine filter_engine virus_engine policy_engine rule_engine"
        " filter_crashed filter_failed filter_error filter_down filter_timeout filter_timed filter_unavailable"
        " filter_died"
    ),
    "OPENRELAY": (
        "open_relay open_relays openrelay open_mail_relay open_smtp_relay open_proxy open_proxies offenes_relay"
        " relais_ouvert relay_abierto relay_aperto 开放转发 オープンリレー"
    ),
    "RESIDENTIAL": (
        "tor tor_exit tor_exits proxy proxies vpn anonymizer anonymiser dialup dial_up dynamic dynamically"
        " residential transient consumer dsl adsl broadband home_network home_networks home_connection"
        " home_connections end_user_network pool dynamisch* dynamique* dinamic* dynamiczn* динамическ* 动态 動態"
        " 動的 유동"
        " cloud_instance cloud_instances cloud_hosts cloud_machines instances vps webhosting"
    ),
    "EXTERNAL": (
        "partner* staff campus on_campus внутр* allowed_senders senders_list sender_list group groups"
        " distribution_list external externals outside outsider outsiders internal internally members member"
        " subscribers subscriber moderators moderator insiders extern externe externen intern interne externo*"
        " interno* estern* zewnetrzn* внешн* внутренн* 外部 内部 会员 外線 社外"
        " ausserhalb außerhalb hauses haus innerhalb betriebsfremd* hausfremd* same_domain own_domain within_domain"
        " in_house inhouse in_domain campus students residents tenants employees"
        " internes internos interni internen interner interna internas buiten binnen z_firmy spoza_firmy spoza"
        " firmenintern"
        " colleagues coworkers co_workers friends contacts address_book addressbook known_senders kollegen collegues"
        " colegas colleghi"
    ),
}

# What is said of them.
_STATEMENTS: Final = {
    "NOT": (
        "管理外 対象外 管轄外 nichts rien nada niente nulla nic niets ничего 何も nothing not no never neither nor"
        " none nicht kein keine keinen keiner keinem nie pas ne aucun aucune non nao ni nem niet geen не нет нельзя"
        " ikke inte"
        " değil degil yok hayir hicbir ej icke ingen inget inga ikkje intet nem nincs nu fara nici neni není nejsou"
        " nelze žádn* zadn* ні немає tidak bukan belum khong không ei eivät"
        " 不负责 不負責 不托管 不属于 不處理 不处理"
    ),
    "WITHOUT": (
        "without lacks lack lacking missing absent ohne fehlt fehlende* sans manque manquant* sin falta sem senza"
        " manca mancante bez brak zonder ontbreekt без отсутств* 没有 缺少 缺乏 无 なし ない 없는 없습니다"
    ),
    "ONLY": (
        "nobody_else no_one_else reserv* riservat* only solely exclusively except unless nur ausschliesslich"
        " seulement uniquement solo solamente unicamente apenas somente soltanto tylko wylacznie alleen slechts"
        " только лишь 仅 仅限 只 のみ だけ 만"
    ),
    "REFUSED": (
        "restring* restreint* ristret* eingeschränk* ogranicz* ограничен* restrict* turned_back banished revoked"
        " dropped 限制访问 被限制 keep_out stay_out stripped hate hates dislike distrust distrusted refuse*"
        " refusal deny denied denies denying denial reject* block blocked blocks blocking prohibit* forbid*"
        " forbidden disallow* ban banned bans barred unwelcome unwilling decline declined declines unauthori*"
        " go_away get_lost begone shun* firewalled unacceptable not_ok turned_away"
        " shut_out kept_out need_not_apply excluded veto vetoed quarantined stop_sending stay_away dislikes"
        " dislodge blackholed abgelehnt ablehn* lehn* verweiger* gesperrt gesperrte* sperr* blockier* geblockt"
        " verboten untersagt abgewiesen unerwünscht zurückgewiesen abgewehrt refus* interdi* bloque bloques"
        " bloquee bloquees rejet* indesirable banni* denegad* rechaz* bloquead* prohibid* negad* recus* rejeit*"
        " proibid* rifiut* negato bloccat* vietat* respint* odrzuc* zabron* zablokow* odmow* odmaw* geweiger*"
        " weiger* geblokkeerd verboden afgewezen ongewenst отказ* отклон* запрещ* заблокир* блокир* отверг* 拒绝"
        " 拒絕 拒收 拒信 被拒 退信 屏蔽 封禁 封锁 禁止 阻止 拦截 不允许 不接受 不被接受 未授权 拒否 却下 ブロック"
        " 受け付けません 受信しません 受け取れません 許可されて 遮断 거부 차단 금지 허용되지"
        " reddedildi reddedilmistir engellendi engellenmistir engelli yasak yasakland* izin_verilmiyor"
        " kabul_edilmiyor kabul_edilmez avvisad* avvist* avvises nekad* nektes blockerad* blokeret blokkert sparrad"
        " sperret forbjud* forbudt elutasit* tiltott tiltva letiltva letiltott respins* blocat* interzis* odmitnut*"
        " odmítn* zamitnut* blokovan* zakazan* zakázan* відхилен* відмов* заборонен* заблоков* ditolak diblokir"
        " dilarang bị_chặn từ_chối estetty hylätty kielletty"
    ),
    "ALLOW": (
        "zutritt zugang zugriff acceso accesso acesso recoit recoivent recibe recibimos handled processed"
        " berechtigung nimmt get gets autorizado permission* send submit use enter allow* permit permits"
        " permitted authori* accept* let lets take takes taken taking welcome trust* want wants wanted willing"
        " like likes approved registered whitelist* talk talks speak speaks entertain serve serves deal"
        " interested admitted entitled cleared receive receives desire* eligible erlaubt zugelassen zulässig"
        " berechtigt gestattet angenommen nehmen akzeptier* darf dürfen gewünscht willkommen befugt autoris*"
        " permis permise* admis* voulons permitid* autoriz* acept* admit* aceit* permess* consentit* accett*"
        " autorizz* dozwol* przyjmuj* akcept* uprawnion* toegestaan geaccepteer* accepteren welkom bevoegd mag"
        " разреш* принима* принят* нрав* допус* 允许 接受 允許 接收 許可 허용"
        " freigegeben freigeschaltet izin tillaten tillåtet tilladt tillatt engedelyez* permis povolen* дозвол*"
        " diizinkan"
        " write_user write_us write_here write_recipient"
    ),
    "EXIST": (
        "books exist* found find known know valid here recogni* hosted live lives living works working heard"
        " deliverable registered listed existiert existieren bekannt gefunden gültig gibt vorhanden existe*"
        " connu* trouve* valide* encontr* valid* conocid* esist* trovat* istniej* znalezion* bestaat gevonden"
        " bekend geldig сущест* найден* известн* зарегистр* живет значит* числ* 存在 找到 有效"
    ),
    "AVAILABLE": (
        "available reachable respond* responding running answer answering answers ready accessible working complete"
        " completed started opened established begun initiated perform process processed connect contact reach open"
        " write read allocate start verfügbar erreichbar möglich disponible* joignable disponivel disponibile"
        " raggiungibile dostepn* beschikbaar bereikbaar доступ* работает"
        " reached contacted consulted queried"
    ),
    "UNKNOWN": (
        "nieprawidlow* void introuvable incorrect* falsch* errone* incorrett* onjuist* misspel* mistaken 不正"
        " 使われて 使用されて unknown nonexistent nonexisting non_existent invalid nobody no_one noone wrong bad"
        " bogus undeliverable unroutable unrouteable mistyped misspelled typo illegal unresolvable nowhere"
        " unvalidated unverified unbekannt* ungültig* niemand inexistent inconnu* invalide* inexistant*"
        " desconocid* inexistent* invalid* ningun* nadie desconhecid* ninguem nenhum* sconosciut* inesistent*"
        " nessun* nieznan* nie_ma nikt niewlasciw* bledny bledn* onbekend* ongeldig* неизвест* несущест* никого"
        " неверн* 无此 無此 不存在 未知 查无 查無 没有此 没有该 无法找到 找不到 错误的 无效 不明 無効"
        " 存在しません 存在しない 存在して ありません 見つかり いません 없습니다 존재하지 없는 찾을"
        " bilinmeyen gecersiz geçersiz bulunamad* okänd okand ukendt ukjent ogiltig* ugyldig* ismeretlen ervenytelen"
        " érvénytelen necunoscut* invalid* neznam* neznám* neplatn* neexistuj* невідом* недійсн* неісну*"
        " tidak_dikenal tidak_ditemukan không_tồn_tại tuntematon virheellinen"
    ),
    "NOBODY": "nobody no_one noone none niemand nessuno nadie ninguem nikt никого никто",
    "GONE": (
        "n_plus plus_de plus_compte left gone moved no_longer not_longer any_longer any_more anymore retired"
        " deceased departed abandoned deleted removed quit resigned ceased nicht_mehr ausgeschieden verlassen"
        " gelöscht verstorben verzogen parti partie quitte supprime* n_est_plus est_plus n_existe_plus ya_no"
        " eliminad* se_fue baja removid* nao_mais mais_nao saiu cancellat* non_piu rimoss* juz_nie usuniet*"
        " niet_meer verwijderd vertrokken больше_не удален* уволен* уже_не 注销 離職 离职 删除 已删除 已不 退会"
        " 退職 削除 解約 탈퇴 삭제"
        " works_elsewhere went_elsewhere"
    ),
    "DISABLED": (
        "ran_out run_out handed_back ruht ruhend* arrears nieużywan* не_используется disdett* not_confirmed"
        " not_activated not_active not_paid nicht_bezahlt non_paye impag* shut disused unused idle noactivity"
        " no_activity non_attiva non_attivo no_activa no_activo nao_ativa nao_ativo nicht_aktiv nie_aktywne"
        " decommissioned dismantled hangup out_of_service shut_down taken_down pending awaiting ended contract"
        " wygas* revoked barred withdrawn off asleep plus_actif plus_active stopped disabled inactive suspended"
        " suspension deactivated locked frozen dormant expired lapsed switched_off turned_off shut_off closed"
        " terminated archived parked on_hold unpaid discontinued cancelled canceled retired deactivate dead"
        " abandoned quarantine inactivity sleeping deaktiviert gesperrt stillgelegt inaktiv abgeschaltet abgelaufen"
        " geschlossen gekündigt desactiv* suspend* suspens* ferme fermee inactif cloture* resilie* inactiv*"
        " deshabilitad* inhabilitad* caducad* cerrad* bloquead* desativ* inativ* cancelad* encerrad* disattiv*"
        " disabilit* sospes* scadut* chius* wylaczon* nieaktywn* zawieszon* zamkniet* dezaktyw* zablokowan*"
        " uitgeschakeld gedeactiveerd opgeheven geblokkeerd afgesloten отключ* неактив* приостанов* закрыт*"
        " заблокир* 停用 禁用 冻结 凍結 锁定 鎖定 停止 过期 過期 欠费 暂停 休眠 关闭 已关闭 利用停止 無効 解約 休止"
        " 정지 중지 비활성 휴면"
        " devre_disi devre_dişi askiya askiya avstängd* avstangt deaktiver* inaktiver* deaktivált felfuggeszt*"
        " felfüggeszt* dezactivat* zrusen* zrušen* zablokovan* deaktivovan* деактивован* вимкнен* призупинен*"
        " dinonaktifkan"
        " out_of_use gave_up given_up"
    ),
    "FULL": (
        "enough_room room enough_space allotment over_his brak_miejsca hold_more hold_any take_more no_more_mail"
        " full overfull fills overflow* over_quota overquota quota stuffed bursting no_room no_space out_of_space"
        " storage no_room_left used_up space_left out_of_room crammed over_limit all_of_his_space voll überfüllt"
        " überlauf* erschopft aufgebraucht überschritten speicherplatz pleine plein deborde* sature* llen*"
        " completo completa cuota cheia cheio lotad* cota esgotad* pien* piena esaurit* pelna pelny przepelnion*"
        " vol переполн* заполнен* квот* 已满 爆满 满了 已滿 容量 空间不足 空間不足 配额 超额 いっぱい 一杯 満杯"
        " 超過 가득 초과 용량"
        " randvoll proppenvoll vollgelaufen übervoll verbraucht ausgeschöpft espaco espaço espacio spazio miejsca"
        " ruimte place_libre espace места dolu doldu kotasi kota_aşildi kota fullt fuld megtelt betelt plin plina"
        " plna plná plný zaplnen* переповнен* заповнен* penuh đầy täynnä brimful brimming chock_full stuffed_full"
        " quillt platzt läuft_über überläuft erschöpft agotad* brims"
        " clear_out clean_out empty_box empty_mailbox"
    ),
    "TEMP": (
        "wiederholen wiederholung temporar* temporal later again retry retries moment minute minutes seconds soon"
        " shortly momentarily wait patience while tomorrow hour hours once_more resubmit redeliver back defer*"
        " delay* reattempt vorübergehend temporär* später erneut derzeit momentan zurzeit minuten nochmals"
        " nochmal temporaire* ulterieur* plus_tard reess* momentan* nouveau secondes temporalmente mas_tarde"
        " nuevamente intent* vuelva momento minutos provisional* temporari* mais_tarde tente novamente temporane*"
        " piu_tardi riprov* minuti ritent* momentaneamente tymczasow* pozniej ponown* chwil* chwilow* sprobuj"
        " prob* minut* tijdelijk opnieuw probeer straks времен* позже повтор* попыт* минут* поздне* 暂时 暫時"
        " 稍后 稍後 稍候 重试 重試 临时 一時的 後で 後ほど しばらく 再度 再試行 のちほど 一時 나중 일시 다시"
        " sonra tekrar gecici geçici daha_sonra lütfen_tekrar senare igen försök senere prøv midlertidig* tillfällig*"
        " kesobb később ujra újra atmenetileg ideiglenes* mai_tarziu mai_târziu temporar* incercati pozdeji později"
        " docasn* dočasn* znovu пізніше тимчасов* спробуйте nanti lagi sementara sau tạm_thời myöhemmin"
    ),
    "OUTAGE": (
        "lost gone_away sleeps asleep crashing woken bad_config error errors failure failed fails fail down"
        " unavailable unreachable timeout timed_out time_out crash* died dead broken busy overload* load"
        " maintenance unable outage malfunction starting reloading restart* trouble problem problems exhausted"
        " shutdown shutting unexpected* exception hiccup stopped offline corrupt* locked insufficient upgrade"
        " upgrading repair congest* hang stuck out_of_order ausfall fehler störung* wartung* überlastet"
        " nicht_erreichbar gestört ausgelastet erreur* panne indisponible* surcharge* incident probleme errores"
        " fallo* fallo averia mantenimiento sobrecarg* ocupad* indisponib* problema erro falha manutencao"
        " indisponivel sobrecarreg* errore guasto manutenzione sovraccaric* occupat* indisponibile blad bledu"
        " blad* awari* przeciaz* niedostepn* konserwac* zajet* storing fout onderhoud overbelast onbeschikbaar"
        " bezet ошибк* сбой сбоя недоступ* перегру* обслуживан* занят* проблем* 错误 錯誤 故障 繁忙 忙 维护 維護"
        " 不可用 异常 失败 失敗 超时 混雑 障害 メンテナンス エラー 過負荷 ビジー 混み合 점검 오류 장애 과부하"
        " hata hatasi arizasi ariza bakim bakim kullanilamiyor fel felet driftstopp feil fejl vedlikehold karbantart*"
        " hiba hibás eroare intretinere chyba udrzb* údržb* помилк* несправн* kesalahan gangguan lỗi virhe huolto"
    ),
    "DEMAND": (
        "must need needs needed require* required mandatory necessary demand* should first enforce* compulsory"
        " insist insists prove muss mussen erforderlich nötig notwendig verpflichtend doit requis* obligatoire*"
        " necessaire debe requier* obligatori* necesari* deve obrigatori* exig* necessari* richiest* wymag* musi"
        " vereist verplicht nodig moet требу* необходим* должн* 必须 需要 要求 必須 必要 필요 해야"
        " erst zuerst zunächst abord primero prima najpierw eerst сначала сперва först först_logga gerekli zorunlu"
        " krav kræves kreves szukseges szükséges kötelező necesar vyzadovan* vyžadován* потрібн* язков*"
        " diperlukan harus yêu_cầu"
    ),
    "LAX": "anybody anyone everyone everybody world anywhere secure secured fix fixed close insecure abusable",
}

# What it is about.
_TOPICS: Final = {
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

LEXICON: Final = MappingProxyType({**_SUBJECTS, **_STATEMENTS, **_TOPICS})
